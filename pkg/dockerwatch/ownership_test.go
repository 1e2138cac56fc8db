package dockerwatch_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

func TestJudge(t *testing.T) {
	t.Parallel()

	const key = "io.session-controller.session"
	plain := dockerwatch.DefaultOwnership()
	installed := plain
	installed.Installation = "east"
	claimed := plain
	claimed.Claimed = true
	nested := plain
	nested.NamePrefixes = []string{"s-", "s-eu-"}

	cases := []struct {
		reason    string
		ownership dockerwatch.Ownership
		claims    bool // judged as a container that a row claims
		name      string
		labels    map[string]string
		want      dockerwatch.Owner
	}{
		{
			reason: "the session label owns, and its value is the session", ownership: plain, name: "x",
			labels: map[string]string{key: "7"},
			want:   dockerwatch.Owner{Owned: true, By: dockerwatch.ByLabel, Session: "7"},
		}, {
			reason: "an empty label value names no session and owns nothing", ownership: plain, name: "x",
			labels: map[string]string{key: ""},
		}, {
			reason: "a prefix owns, and the rest of the name is the session", ownership: plain, name: "claude-work-7",
			want: dockerwatch.Owner{Owned: true, By: dockerwatch.ByName, Session: "7"},
		}, {
			reason: "a prefix with nothing after it names no session", ownership: plain, name: "claude-work-",
		}, {
			reason: "a prefix in the middle is none", ownership: plain, name: "my-claude-work-7",
		}, {
			reason: "of two prefixes the longer one says where the session id begins", ownership: nested, name: "s-eu-7",
			want: dockerwatch.Owner{Owned: true, By: dockerwatch.ByName, Session: "7"},
		}, {
			reason:    "the label is stronger than the name",
			ownership: plain, name: "claude-work-7", labels: map[string]string{key: "8"},
			want: dockerwatch.Owner{Owned: true, By: dockerwatch.ByLabel, Session: "8"},
		}, {
			reason:    "neither label nor prefix: foreign",
			ownership: plain, name: "postgres", labels: map[string]string{"app": "db"},
		}, {
			reason:    "a container that is being removed has no name, but keeps its label",
			ownership: plain, labels: map[string]string{key: "7"},
			want: dockerwatch.Owner{Owned: true, By: dockerwatch.ByLabel, Session: "7"},
		}, {
			reason: "this installation's label makes it a labelled one", ownership: installed, name: "x",
			labels: map[string]string{key: "7", dockerwatch.InstallationLabel: "east"},
			want:   dockerwatch.Owner{Owned: true, By: dockerwatch.ByLabel, Labelled: true, Session: "7", Installation: "east"},
		}, {
			reason:    "owned, but not labelled: it does not say whose it is",
			ownership: installed, name: "x", labels: map[string]string{key: "7"},
			want: dockerwatch.Owner{Owned: true, By: dockerwatch.ByLabel, Session: "7"},
		}, {
			reason: "another installation's label: not ours, though the session is known", ownership: installed, name: "x",
			labels: map[string]string{key: "7", dockerwatch.InstallationLabel: "west"},
			want:   dockerwatch.Owner{Session: "7", Installation: "west"},
		}, {
			reason: "another installation's container is not ours by name either", ownership: installed, name: "claude-work-7",
			labels: map[string]string{dockerwatch.InstallationLabel: "west"},
			want:   dockerwatch.Owner{Installation: "west"},
		}, {
			reason:    "a controller without an installation leaves those that have one alone",
			ownership: plain, name: "claude-work-7",
			labels: map[string]string{key: "7", dockerwatch.InstallationLabel: "west"},
			want:   dockerwatch.Owner{Session: "7", Installation: "west"},
		}, {
			reason:    "this installation's container by name is owned but not labelled",
			ownership: installed, name: "claude-work-7",
			labels: map[string]string{dockerwatch.InstallationLabel: "east"},
			want:   dockerwatch.Owner{Owned: true, By: dockerwatch.ByName, Session: "7", Installation: "east"},
		}, {
			reason: "claimed is for containers that a row claims only", ownership: claimed, name: "postgres",
		}, {
			reason: "with claimed, a claim owns", ownership: claimed, claims: true, name: "postgres",
			want: dockerwatch.Owner{Owned: true, By: dockerwatch.ByClaim},
		}, {
			reason:    "with claimed, a claim owns another installation's too",
			ownership: claimed, claims: true, name: "claude-work-7",
			labels: map[string]string{key: "7", dockerwatch.InstallationLabel: "west"},
			want:   dockerwatch.Owner{Owned: true, By: dockerwatch.ByClaim, Session: "7", Installation: "west"},
		}, {
			reason: "with claimed, the label still says more than the claim", ownership: claimed, claims: true, name: "x",
			labels: map[string]string{key: "7"},
			want:   dockerwatch.Owner{Owned: true, By: dockerwatch.ByLabel, Session: "7"},
		}, {
			reason: "the keep label keeps an owned container", ownership: plain, name: "claude-work-7",
			labels: map[string]string{dockerwatch.KeepLabel: "true"},
			want:   dockerwatch.Owner{Owned: true, By: dockerwatch.ByName, Session: "7", Keep: true},
		}, {
			reason: "the keep label keeps one that a claim owns", ownership: claimed, claims: true, name: "postgres",
			labels: map[string]string{dockerwatch.KeepLabel: "true"},
			want:   dockerwatch.Owner{Owned: true, By: dockerwatch.ByClaim, Keep: true},
		}, {
			reason: "the keep label with another value keeps nothing", ownership: plain, name: "claude-work-7",
			labels: map[string]string{dockerwatch.KeepLabel: "false"},
			want:   dockerwatch.Owner{Owned: true, By: dockerwatch.ByName, Session: "7"},
		}, {
			reason: "without claimed, a claim owns nothing", ownership: plain, claims: true, name: "postgres",
		},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			judge := c.ownership.Judge
			if c.claims {
				judge = c.ownership.JudgeClaimed
			}
			if diff := cmp.Diff(c.want, judge(c.name, c.labels)); diff != "" {
				t.Errorf("owner (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSameSession(t *testing.T) {
	t.Parallel()
	const id = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"7", "7", true}, {"7", "8", false}, {"a", "A", false}, {id, id, true}, {strings.ToUpper(id), id, true},
		{id, strings.ToUpper(id), true}, {id + "a", strings.ToUpper(id) + "A", false}, {id, id[:35] + "2", false},
	} {
		if got := dockerwatch.SameSession(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q are one session: %t, want %t", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestOtherSession(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		owner  dockerwatch.Owner
		want   bool
	}{
		{"its label names another session", dockerwatch.Owner{Owned: true, By: dockerwatch.ByLabel, Session: "8"}, true},
		{"its label names this session", dockerwatch.Owner{Owned: true, By: dockerwatch.ByLabel, Session: "7"}, false},
		{"another installation's label names another session", dockerwatch.Owner{Session: "8", Installation: "west"}, true},
		{"what follows a prefix is no proof", dockerwatch.Owner{Owned: true, By: dockerwatch.ByName, Session: "8"}, false},
		{"a claimed container without a label", dockerwatch.Owner{Owned: true, By: dockerwatch.ByClaim}, false},
		{"a foreign container", dockerwatch.Owner{}, false},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			if got := c.owner.OtherSession("7"); got != c.want {
				t.Errorf("OtherSession = %v, want %v", got, c.want)
			}
		})
	}
}

func TestOwnershipValidate(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		change func(*dockerwatch.Ownership)
		want   string // a part of the sentence; empty: valid
	}{
		{"the default works", func(*dockerwatch.Ownership) {}, ""},
		{"no prefixes at all is a choice", func(o *dockerwatch.Ownership) { o.NamePrefixes = nil }, ""},
		{
			"an empty prefix would own the whole engine",
			func(o *dockerwatch.Ownership) { o.NamePrefixes = []string{"a-", ""} }, "every container",
		},
		{"no name begins like this", func(o *dockerwatch.Ownership) { o.NamePrefixes = []string{"/web-"} }, `"/web-"`},
		{"an empty label key is on no container", func(o *dockerwatch.Ownership) { o.Label = "" }, "ownership.label"},
		{"a label with a value is not a key", func(o *dockerwatch.Ownership) { o.Label = "session=7" }, `"session=7"`},
		{
			"the installation label is not the session's",
			func(o *dockerwatch.Ownership) { o.Label = dockerwatch.InstallationLabel }, "another meaning",
		},
		{
			"the keep label is not the session's",
			func(o *dockerwatch.Ownership) { o.Label = dockerwatch.KeepLabel }, "another meaning",
		},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			o := dockerwatch.DefaultOwnership()
			c.change(&o)
			err := o.Validate()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("Validate = %v, want it to say %q", err, c.want)
			}
		})
	}
}

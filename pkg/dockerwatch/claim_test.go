package dockerwatch_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

func TestCheckReference(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		claim  string
		valid  bool
	}{
		{"a full id is what a careful server saves", someID, true},
		{"a short id is what docker ps prints", someID[:12], true},
		{"a name is what the demo server saves", "claude-work-7", true},
		{"inspect answers names with a leading slash", "/claude-work-7", true},
		{"every character of Docker's grammar is allowed", "A0_.-z", true},
		{"two dots inside a name are no path", "a..b", true},
		{"an id prefix may be somebody's name: only the engine knows", "abc", true},
		{"255 characters are the limit", strings.Repeat("a", 255), true},
		{"an empty claim would be sent to the list route", "", false},
		{"a slash alone is an empty claim", "/", false},
		{"only one slash is dropped", "//web", false},
		{"a slash inside leads to another route", "web/json", false},
		{"a path upwards leads to another route", "../info", false},
		{"nothing is trimmed: the row says this, not the other", " web", false},
		{"a line end is no part of a name", "web\n", false},
		{"a name begins with a letter or a digit", "-web", false},
		{"a query would change the call", "web?force=1", false},
		{"an escape would change the call", "web%2f", false},
		{"a zero byte is no part of a name", "we\x00b", false},
		{"letters are ASCII", "wéb", false},
		{"longer than any host name", strings.Repeat("a", 256), false},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			err := dockerwatch.CheckReference(c.claim)
			if (err == nil) != c.valid {
				t.Errorf("CheckReference(%q) = %v, want valid: %v", c.claim, err, c.valid)
			}
			if err != nil && !errors.Is(err, dockerwatch.ErrInvalidReference) {
				t.Errorf("CheckReference(%q) = %v, want an ErrInvalidReference", c.claim, err)
			}
		})
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()

	got := dockerwatch.References(someID, "web")
	if len(got) != 2*(53+1) {
		t.Errorf("got %d references, want 53 prefixes and the name, each with and without a slash", len(got))
	}
	for _, want := range []string{
		someID[:12], "/" + someID[:12], someID[:13], someID[:63], someID, "/" + someID, "web", "/web",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("References lacks %q", want)
		}
	}
	if slices.Contains(got, someID[:11]) {
		t.Error("a prefix of 11 digits is too short to be an id")
	}
	if diff := cmp.Diff(got[:106], dockerwatch.References(someID, "")); diff != "" {
		t.Errorf("a container without a name has its ids only (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"web", "/web"}, dockerwatch.References("", "web")); diff != "" {
		t.Errorf("without an id there are the names only (-want +got):\n%s", diff)
	}
}

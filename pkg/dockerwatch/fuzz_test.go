package dockerwatch_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// FuzzCheckReference checks that no claim that passes can change the route, the query or the host of a call.
func FuzzCheckReference(f *testing.F) {
	for _, seed := range []string{
		"", "/", "web", "/web", someID, "a..b", "../x", "..", ".", "a/b", "a?b", "a#b", "a%2e", "a b", "web\n", "é",
		"a\u2028b", "\xff", strings.Repeat("é", 200),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, claim string) {
		if dockerwatch.CheckReference(claim) != nil {
			return
		}
		name := strings.TrimPrefix(claim, "/")
		if name == "" || len(name) > 255 || strings.ContainsAny(name, "/\\?#%&= \t\r\n\x00") || strings.HasPrefix(name, ".") {
			t.Errorf("%q passed", claim)
		}
		u, err := url.Parse("http://engine/v1.44/containers/" + name + "/json")
		if want := "/v1.44/containers/" + name + "/json"; err != nil || u.Path != want || u.EscapedPath() != want ||
			u.JoinPath().Path != want || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%q passed, and makes the URL %v (error %v), want the path %s and nothing else", claim, u, err, want)
		}
		if !slices.Contains(dockerwatch.References(someID, name), claim) {
			t.Errorf("%q passed, but is not among the references of a container of that name", claim)
		}
		if id := strings.Repeat(name, 64)[:64]; dockerwatch.IsFullID(id) && len(name) >= 12 && len(name) <= 64 &&
			!slices.Contains(dockerwatch.References(id, ""), claim) {
			t.Errorf("%q passed, but is not among the references of a container whose id begins so", claim)
		}
	})
}

// FuzzReferences checks that the references of a container are its id, its short ids and its name, and nothing shorter
// that could hit another one.
func FuzzReferences(f *testing.F) {
	f.Add(someID, "web")
	f.Add(someID[:12], "")
	f.Add(someID[:11], "claude-work-7")
	f.Add("", "/web")
	f.Add(strings.Repeat("f", 65), "é")
	f.Fuzz(func(t *testing.T, id, name string) {
		var want []string
		for length := 12; length <= len(id); length++ {
			want = append(want, id[:length])
		}
		if name != "" {
			want = append(want, name)
		}
		got := dockerwatch.References(id, name)
		for _, ref := range want {
			if !slices.Contains(got, ref) || !slices.Contains(got, "/"+ref) {
				t.Errorf("References(%q, %q) = %q, want %q among them, with and without a slash", id, name, got, ref)
			}
		}
		if len(got) != 2*len(want) {
			t.Errorf("References(%q, %q) are %d, want %d", id, name, len(got), 2*len(want))
		}
		if dockerwatch.IsFullID(id) && dockerwatch.CheckReference(id) != nil {
			t.Errorf("the id %q is no reference", id)
		}
	})
}

// FuzzJudge checks that nobody's container becomes an owned one, whatever names and labels stand on the engine.
func FuzzJudge(f *testing.F) {
	const key = "io.session-controller.session"
	f.Add(key, "", "claude-work-", "", "claude-work-7", "", "", "", false)
	f.Add(key, "east", "s-", "s-eu-", "s-eu-7", "8", "east", "true", false)
	f.Add(key, "east", "s-", "s-", "s-7", "8", "west", "TRUE", true)
	f.Add(key, "", "s-", "", "s-7", "8", "west", "", true)
	f.Add(key, "east", "s-", "s-7", "s-7", "", "", "", true)
	f.Add(dockerwatch.KeepLabel+"s", "", "a", "ab", "", "", "", "true", true)
	f.Fuzz(func(t *testing.T, key, own, prefix, other, name, session, installation, keep string, claimed bool) {
		o := dockerwatch.Ownership{Label: key, Installation: own, NamePrefixes: []string{prefix}, Claimed: claimed}
		if other != "" {
			o.NamePrefixes = append(o.NamePrefixes, other)
		}
		labels := map[string]string{
			key: session, dockerwatch.InstallationLabel: installation, dockerwatch.KeepLabel: keep,
		}
		if o.Validate() != nil {
			o.Judge(name, labels) // must not panic all the same
			o.JudgeClaimed(name, labels)
			return
		}
		got := o.Judge(name, labels)
		checkOwner(t, o, name, labels, got)

		want := got // a claim adds ownership and nothing else
		if claimed && !got.Owned {
			want.Owned, want.By = true, dockerwatch.ByClaim
		}
		if has := o.JudgeClaimed(name, labels); has != want {
			t.Errorf("JudgeClaimed(%q, %q) = %+v, want %+v", name, labels, has, want)
		}
	})
}

// checkOwner holds a verdict of Judge to what each of its fields promises.
func checkOwner(
	t *testing.T, o dockerwatch.Ownership, name string, labels map[string]string, got dockerwatch.Owner,
) {
	t.Helper()
	session, installation := labels[o.Label], labels[dockerwatch.InstallationLabel]
	// The shortest rest is what follows the longest prefix.
	rest := ""
	for _, prefix := range o.NamePrefixes {
		if after, has := strings.CutPrefix(name, prefix); has && after != "" && (rest == "" || len(after) < len(rest)) {
			rest = after
		}
	}
	want := dockerwatch.Owner{
		Session: session, Installation: installation, Keep: labels[dockerwatch.KeepLabel] == "true",
	}
	switch {
	case installation != "" && installation != o.Installation:
	case session != "":
		want.Owned, want.By, want.Labelled = true, dockerwatch.ByLabel, installation != ""
	case rest != "":
		want.Owned, want.By, want.Session = true, dockerwatch.ByName, rest
	}
	if got != want {
		t.Errorf("Judge(%q, %q) of %+v = %+v, want %+v", name, labels, o, got, want)
	}
	if got.Labelled && (!got.Owned || got.By != dockerwatch.ByLabel || got.Installation == "" ||
		got.Installation != o.Installation) {
		t.Errorf("Judge(%q, %q) of %+v = %+v, which is labelled and not surely ours", name, labels, o, got)
	}
}

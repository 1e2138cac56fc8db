package dockerwatch_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	testengine "github.com/session-controller/session-controller/test/engine"
	"github.com/session-controller/session-controller/test/testenv"
)

// imageLabel is on every container, as it is on the test image.
const imageLabel = "binary"

// What each state of a real container looks like.
func TestObservePhases(t *testing.T) {
	t.Parallel()

	labels := map[string]string{"io.session-controller.session": "7"}
	cases := []struct {
		reason string
		run    testenv.Container
		then   func(t *testing.T, id string)
		want   dockerwatch.Observation // without id, name and times
		ran    bool                    // it was started
		ended  bool                    // it has ended at least once
	}{
		{
			reason: "a running container", run: testenv.Container{Labels: labels},
			want: dockerwatch.Observation{Phase: dockerwatch.Running, RestartPolicy: "no", Labels: labels}, ran: true,
		}, {
			reason: "a paused one, whose Running flag is true as well",
			run:    testenv.Container{RestartPolicy: "always"}, then: pause,
			want: dockerwatch.Observation{Phase: dockerwatch.Paused, RestartPolicy: "always"}, ran: true,
		}, {
			reason: "one that was created and never started has no times",
			run:    testenv.Container{NoStart: true, AutoRemove: true},
			want:   dockerwatch.Observation{Phase: dockerwatch.Created, RestartPolicy: "no", AutoRemove: true},
		}, {
			reason: "one that ended by itself", run: testenv.Container{Cmd: []string{"/workload", "exit", "3"}},
			want: dockerwatch.Observation{Phase: dockerwatch.Exited, RestartPolicy: "no", ExitCode: 3}, ran: true, ended: true,
		}, {
			reason: "one that the kernel killed for its memory",
			run:    testenv.Container{Cmd: []string{"/workload", "oom"}, MemoryMiB: 16},
			want:   dockerwatch.Observation{Phase: dockerwatch.Exited, RestartPolicy: "no", ExitCode: 137, OOMKilled: true},
			ran:    true, ended: true,
		},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			engine := realEngine(t)
			c.run.Name = testenv.Name(t, "observe-")
			id := testenv.Run(t, c.run)
			if c.then != nil {
				c.then(t, id)
			}
			got := becomes(t, engine, id, c.want.Phase)
			delete(got.Labels, imageLabel)
			info, err := engine.Info(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c.want.ID, c.want.Name, c.want.Engine = id, c.run.Name, info.Identity()
			times := cmpopts.IgnoreFields(dockerwatch.Observation{}, "Created", "StartedAt", "FinishedAt")
			if diff := gocmp.Diff(c.want, got, times, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("observation (-want +got):\n%s", diff)
			}
			if got.Created.IsZero() || got.StartedAt.IsZero() == c.ran || got.FinishedAt.IsZero() == c.ended {
				t.Errorf("created %s, started %s, finished %s", got.Created, got.StartedAt, got.FinishedAt)
			}
		})
	}
}

func TestObserveRestarting(t *testing.T) {
	t.Parallel()

	engine := realEngine(t)
	id := testenv.Run(t, testenv.Container{Cmd: []string{"/workload", "exit", "1"}, RestartPolicy: "always"})
	got := becomes(t, engine, id, dockerwatch.Restarting)
	if got.RestartPolicy != "always" || got.RestartCount == 0 || got.ExitCode != 1 {
		t.Errorf("observation: %+v", got)
	}
}

// The states that a real engine passes through too fast to be seen, or only after a failure.
func TestObserveFakedPhases(t *testing.T) {
	t.Parallel()

	for status, want := range map[string]dockerwatch.Phase{"dead": dockerwatch.Dead, "removing": dockerwatch.Removing} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			fake := fakeEngine(t, named(says(200, "application/json", inspected("running", status))))
			got, err := fake.Observe(t.Context(), someID)
			want := dockerwatch.Observation{
				Phase: want, Engine: fakeIdentity, ID: someID, Name: "web", Labels: map[string]string{"a": "b"},
				RestartPolicy: "no", RestartCount: 2, AutoRemove: true,
				Created:   time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
				StartedAt: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC),
			}
			if diff := gocmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("Observe: %v, observation (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestObserveReferences(t *testing.T) {
	t.Parallel()

	engine := realEngine(t)
	info, err := engine.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := testenv.Name(t, "ref-")
	id := testenv.Run(t, testenv.Container{Name: name, NoStart: true})
	hexName := hexadecimal(testenv.Name(t, ""))[:11]
	hexID := testenv.Run(t, testenv.Container{Name: hexName, NoStart: true})

	cases := []struct {
		reason string
		claim  string
		id     string // empty: Gone
		err    error
	}{
		{"the full id", id, id, nil},
		{"the short id that docker ps prints", id[:12], id, nil},
		{"any longer prefix", id[:40], id, nil},
		{"the name", name, id, nil},
		{"the name as inspect writes it", "/" + name, id, nil},
		{"a name that looks like a short prefix is an exact name", hexName, hexID, nil},
		{"and with a slash", "/" + hexName, hexID, nil},
		{
			"a prefix of 11 digits is not looked up, though the engine would find it",
			id[:11], "", dockerwatch.ErrInvalidReference,
		},
		{"nor is a short one", id[:3], "", dockerwatch.ErrInvalidReference},
		{"a part of a name is no name", hexName[:10], "", dockerwatch.ErrInvalidReference},
		{"a claim that is no reference", "a/b", "", dockerwatch.ErrInvalidReference},
		{"an empty claim", "", "", dockerwatch.ErrInvalidReference},
		{"a name that nobody has", name + "x", "", nil},
		{"an id that nobody has", otherID, "", nil},
		{"a short id that nobody has", otherID[:12], "", nil},
		{"an id in upper case is a name", strings.ToUpper(id), "", nil},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			got, err := engine.Observe(t.Context(), c.claim)
			if c.err != nil {
				isOnly(t, err, c.err)
				return
			}
			if err != nil || got.ID != c.id {
				t.Errorf("Observe(%q) = %s, %v, want %q", c.claim, got.ID, err, c.id)
			}
			if c.id == "" {
				want := dockerwatch.Observation{Phase: dockerwatch.Gone, Engine: info.Identity()}
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Errorf("observation (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestObserveAutoRemoved(t *testing.T) {
	t.Parallel()

	engine := realEngine(t)
	id := testenv.Run(t, testenv.Container{AutoRemove: true, Cmd: []string{"/workload", "exit", "0"}})
	becomes(t, engine, id, dockerwatch.Gone)
}

func TestList(t *testing.T) {
	t.Parallel()

	engine := realEngine(t)
	before := time.Now().Add(-time.Minute)
	labels := map[string]string{"k": "v"}
	names := []string{testenv.Name(t, "list-a-"), testenv.Name(t, "list-b-")}
	running := testenv.Run(t, testenv.Container{Name: names[0], Labels: labels})
	created := testenv.Run(t, testenv.Container{Name: names[1], NoStart: true})
	want := []dockerwatch.Container{
		{ID: running, Names: names[:1], Phase: dockerwatch.Running, Labels: labels},
		{ID: created, Names: names[1:], Phase: dockerwatch.Created},
	}
	listed, err := engine.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []dockerwatch.Container
	for _, c := range listed.Containers {
		if c.ID == want[0].ID || c.ID == want[1].ID {
			delete(c.Labels, imageLabel)
			got = append(got, c)
			if c.Created.Before(before) {
				t.Errorf("created %s", c.Created)
			}
		}
	}
	slices.SortFunc(got, func(a, b dockerwatch.Container) int { return cmp.Compare(a.Names[0], b.Names[0]) })
	ignored := cmpopts.IgnoreFields(dockerwatch.Container{}, "Created")
	if diff := gocmp.Diff(want, got, ignored, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

// A session's id is a filter's value: whatever is in it, its own containers are listed and no others.
func TestListRunning(t *testing.T) {
	t.Parallel()

	engine := realEngine(t)
	ownership := dockerwatch.Ownership{Label: testenv.Name(t, "label-")}
	ids := []string{
		"7", "7=8", "7=", `o'hara "x" \`, "a,b", "žluťoučký ☃", "%37", "*", " 7", `{"label":{"7":true}}`, "#7", "a&b=c+d",
	}
	want := map[string]string{}
	for _, id := range ids {
		want[id] = testenv.Run(t, testenv.Container{Labels: map[string]string{ownership.Label: id}})
	}
	unnamed := testenv.Run(t, testenv.Container{Labels: map[string]string{ownership.Label: ""}})
	testenv.Run(t, testenv.Container{Labels: map[string]string{ownership.Label: "7"}, NoStart: true})
	testenv.Run(t, testenv.Container{Labels: map[string]string{ownership.Label + "x": "7"}})
	for _, id := range ids {
		listing, err := engine.ListRunning(t.Context(), ownership, id)
		listed := listing.Containers
		if err != nil || len(listed) != 1 || listed[0].ID != want[id] || listed[0].Labels[ownership.Label] != id {
			t.Errorf("session %q: %+v, %v, want container %s alone", id, listed, err, want[id])
		}
	}
	if listed, err := engine.ListRunning(t.Context(), ownership, "nobody"); err != nil || len(listed.Containers) != 0 {
		t.Errorf("a session without a container: %+v, %v", listed, err)
	}
	listing, err := engine.ListRunning(t.Context(), ownership, "")
	all := make([]string, 0, len(listing.Containers))
	for _, c := range listing.Containers {
		all = append(all, c.ID)
	}
	slices.Sort(all)
	if diff := gocmp.Diff(slices.Sorted(maps.Values(want)), slices.DeleteFunc(all, func(id string) bool {
		return id == unnamed
	})); err != nil || diff != "" || len(all) != len(want)+1 {
		t.Errorf("all sessions: %v (-want +got):\n%s", err, diff)
	}
}

// A state that this version does not know blocks one container, not the sweep: its inspect fails, the list does not.
func TestListUnknownState(t *testing.T) {
	t.Parallel()

	body := fmt.Sprintf(`[{"Id":%q,"Names":["/web","/x/alias"],"State":"hibernating","Created":1}]`, someID)
	got, err := fakeEngine(t, named(says(200, "application/json", body))).List(t.Context())
	want := dockerwatch.Listing{Engine: fakeIdentity, Containers: []dockerwatch.Container{{
		ID: someID, Names: []string{"web", "x/alias"}, Created: time.Unix(1, 0).UTC(),
	}}}
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("List: %v (-want +got):\n%s", err, diff)
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()

	raw, err := testenv.Docker(t).Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := dockerwatch.Info{ID: raw.ID, RootDir: raw.DockerRootDir, Name: raw.Name, Version: raw.ServerVersion}
	got, err := realEngine(t).Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if identity := raw.ID + "@" + raw.DockerRootDir; got.Identity() != identity {
		t.Errorf("identity %q, want %q", got.Identity(), identity)
	}
	ignored := cmpopts.IgnoreFields(dockerwatch.Info{}, "Time", "Offset")
	if diff := gocmp.Diff(want, got, ignored); diff != "" {
		t.Errorf("info (-want +got):\n%s", diff)
	}
	// The test's engine has this machine's clock; the call itself is the error, and a busy machine takes seconds.
	if got.Offset.Abs() > patience || time.Since(got.Time).Abs() > patience {
		t.Errorf("the engine's clock is off by %s, its time %s", got.Offset, got.Time)
	}
}

func TestInfoOffset(t *testing.T) {
	t.Parallel()

	ahead := time.Now().Add(time.Hour)
	body := fmt.Sprintf(`{"ID":"x","DockerRootDir":"/d","SystemTime":%q}`, ahead.Format(time.RFC3339Nano))
	host := serveSocket(t, pings("1.41", says(200, "application/json", body)))
	got, err := open(t, dockerwatch.Config{Host: host, Timeout: patience}).Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !got.Time.Equal(ahead) || got.Offset < time.Hour-patience || got.Offset > time.Hour {
		t.Errorf("an engine that is an hour ahead has the offset %s", got.Offset)
	}
}

func pause(t *testing.T, id string) {
	t.Helper()
	if err := testenv.Docker(t).ContainerPause(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// hexadecimal turns random letters and digits into random hex digits.
func hexadecimal(s string) string {
	return strings.Map(func(r rune) rune { return rune("0123456789abcdef"[r%16]) }, s)
}

// A slow answer must not make the engine's clock look ahead: a grace would be over too early.
func TestSlowInfoShortensNoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := testengine.New("SLOW")
		slow.Add(testengine.Trouble{Kind: testengine.Slow, Op: testengine.OpInfo, Delay: 3 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		dial, served := slow.Pipes(ctx)
		engine, err := dockerwatch.New(dockerwatch.Config{Host: "unix:///pipe", Dial: dial, Getenv: noEnvironment})
		if err != nil {
			t.Fatal(err)
		}
		info, err := engine.Info(ctx)
		if err != nil || info.Offset > 0 || info.Offset < -3*time.Second {
			t.Errorf("the clock of an engine that is slow, and on time, is off by %s, %v", info.Offset, err)
		}
		_ = engine.Close()
		cancel()
		served()
	})
}

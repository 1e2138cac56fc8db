package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/engine"
	"github.com/session-controller/session-controller/test/testenv"
)

// What becomes of containers when their engine goes and comes back, on a real engine and on that of this package.
func TestContractOfOutages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		liveRestore bool
		crash       bool
	}{
		{"crash", false, true},
		{"shutdown", false, false},
		{"crash with live restore", true, true},
		{"shutdown with live restore", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var args []string
			if tt.liveRestore {
				args = []string{"--live-restore"}
			}
			private := testenv.StartEngine(t, args...)
			genuine := newSide(t, private.Host())
			genuine.outage(func(c testenv.Container) string { return private.Run(c) }, func() {
				if tt.crash {
					private.Kill()
				} else {
					private.Terminate()
				}
				private.Start()
			})
			fake := engine.New("outage")
			ours := newSide(t, listen(t, fake))
			ours.outage(func(c testenv.Container) string {
				id, err := fake.Run(engine.Spec{
					Name: c.Name, RestartPolicy: c.RestartPolicy, AutoRemove: c.AutoRemove,
					Labels: map[string]string{"contract": ours.run},
				})
				if err != nil {
					t.Fatal(err)
				}
				return id
			}, func() {
				if tt.crash {
					fake.Crash()
				} else {
					fake.Shutdown(tt.liveRestore, time.Second)
				}
				fake.Boot(tt.liveRestore)
			})
			ours.same(genuine)
		})
	}
}

// outage runs containers of every restart policy, has the engine go and come back, and notes what became of them.
func (s *side) outage(run func(testenv.Container) string, outage func()) {
	s.t.Helper()
	kinds := []testenv.Container{
		{Name: "plain"},
		{Name: "always", RestartPolicy: "always"},
		{Name: "unless-stopped", RestartPolicy: "unless-stopped"},
		{Name: "auto", AutoRemove: true},
		{Name: "stopped", RestartPolicy: "unless-stopped"},
		{Name: "stopped-always", RestartPolicy: "always"},
	}
	starts := map[string]time.Time{}
	for _, c := range kinds {
		name := c.Name
		c.Name, c.Labels = s.run+"-"+name, map[string]string{"contract": s.run}
		s.ids[name] = run(c)
		if strings.HasPrefix(name, "stopped") {
			if err := s.engine.Stop(s.t.Context(), s.ids[name], patience); err != nil {
				s.t.Fatal(err)
			}
		}
		seen, err := s.engine.Observe(s.t.Context(), s.ids[name])
		if err != nil {
			s.t.Fatal(err)
		}
		starts[name] = seen.StartedAt
	}
	before, err := s.engine.Info(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	outage()
	s.until("it answers", func() bool { _, err := s.engine.Info(s.t.Context()); return err == nil })
	for _, c := range kinds {
		var seen dockerwatch.Observation
		s.until("the container is at rest", func() bool {
			seen, err = s.engine.Observe(s.t.Context(), s.ids[c.Name])
			return err == nil && seen.Phase != dockerwatch.Restarting && seen.Phase != dockerwatch.Removing &&
				(c.RestartPolicy != "always" || seen.Phase == dockerwatch.Running)
		})
		s.notef("%s: %s, unbroken %t", c.Name, seen.Phase, seen.StartedAt.Equal(starts[c.Name]))
	}
	after, err := s.engine.Info(s.t.Context())
	s.notef("same identity %t, %v", before.Identity() == after.Identity(), err)
}

package controllers

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// claimedBy is a table of sessions that claim one container or none.
type claimedBy struct {
	SessionStore

	rows []sessiondb.Row
	// late ones claim it only when the rows are streamed.
	late []sessiondb.Row
	// owner is the row of the container's own session; none where it has no id.
	owner sessiondb.Row
	empty bool
	err   error
}

func (s *claimedBy) Claimants(context.Context, []string) ([]sessiondb.Row, error) {
	return s.rows, s.err
}

func (s *claimedBy) Get(context.Context, string) (sessiondb.Row, error) {
	if s.owner.ID == "" {
		return sessiondb.Row{}, sessiondb.ErrNotFound
	}
	return s.owner, nil
}

func (s *claimedBy) Serves(sessiondb.Row) bool { return true }

func (s *claimedBy) HasRows(context.Context) (bool, error) { return !s.empty, nil }

func (s *claimedBy) Claiming(context.Context) iter.Seq2[sessiondb.Row, error] {
	return func(yield func(sessiondb.Row, error) bool) {
		for _, row := range append(s.late, s.rows...) {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// leaking is a container of a session without a row, on an engine that lists it, and what looks at it.
type leaking struct {
	store  *claimedBy
	policy verdict.Policy
	core   *core
}

func newLeaking(t *testing.T) *leaking {
	t.Helper()
	info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
	labels := map[string]string{"session": session, "io.session-controller.installation": "here"}
	engine := listing{
		identified{answering{seen: dockerwatch.Observation{
			ID: thisID, Name: "web", Phase: dockerwatch.Running, Created: time.Now(), Engine: info.Identity(), Labels: labels,
		}}, info},
		[]dockerwatch.Container{{ID: thisID, Names: []string{"web"}, Phase: dockerwatch.Running, Labels: labels}},
	}
	l := &leaking{store: &claimedBy{}, policy: verdict.DefaultPolicy()}
	l.core = newCore(Options{
		Store: l.store, Engine: engine, Policy: l.policy, Log: logr.Discard(),
		Ownership: dockerwatch.Ownership{Label: "session", Installation: "here"},
	})
	accept(t, l.core.guard, info)
	return l
}

func (l *leaking) look(t *testing.T) verdict.Verdict {
	t.Helper()
	f, err := l.core.containerLooker.look(t.Context(), thisID)
	if !errors.Is(err, l.store.err) {
		t.Error(err)
	}
	l.core.containerLooker.memory.record(thisID, f, l.policy)
	return verdict.DecideContainer(l.policy, f)
}

// lookCounted is a look, and another one after a sweep where the first waits for that.
func (l *leaking) lookCounted(t *testing.T) verdict.Verdict {
	t.Helper()
	v := l.look(t)
	if v.Reason != verdict.AwaitingSweep {
		return v
	}
	pass(time.Millisecond)
	l.sweep(t)
	return l.look(t)
}

func (l *leaking) sweep(t *testing.T) {
	t.Helper()
	if _, err := l.core.sweeper.sweep(t.Context(), (&nominees{}).visitor(l.core.memory)); err != nil {
		t.Error(err)
	}
}

// waits checks that a look says that it has leaked, and how long it waits.
func (l *leaking) waits(t *testing.T, when string, wait, again time.Duration) {
	t.Helper()
	v := l.lookCounted(t)
	if v.Reason != verdict.ContainerLeaked || v.Wait != wait || v.Again != again || v.Due() != (wait == 0) {
		t.Errorf("%s: %+v", when, v)
	}
}

// pass lets virtual time pass.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual time
}

// A container is seen before its claim is saved, and next when its grace is over. In between a row has claimed it, and
// was lost just now.
func TestALeakIsWatchedToTheEndOfItsGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaking(t)
		leak, gone := l.policy.LeakGrace.Duration, l.policy.GoneGrace.Duration
		l.waits(t, "at first", leak, leak-gone)
		pass(leak)
		l.waits(t, "after leakGrace without a look", gone, 0)
		pass(gone)
		l.waits(t, "after a second look", 0, 0)
		l.store.rows = []sessiondb.Row{{ID: "other", Kind: sessiondb.StatusLive, Claim: thisID}}
		l.look(t)
		l.store.rows = nil
		l.waits(t, "after a claim that a look saw", leak, leak-gone)
		l.store.owner = sessiondb.Row{ID: session, Kind: sessiondb.StatusEnded, Claim: "no/claim"}
		for range 2 {
			l.look(t)
			pass(time.Hour)
		}
		l.store.owner.Claim, l.store.owner.NodeNull = "", true
		l.look(t)
		pass(time.Hour)
		l.store.owner.NodeNull = false
		l.waits(t, "after a time in which it was left alone", gone, 0)
	})
}

// What is held back, or cannot be looked at, is not watched meanwhile.
func TestALeakIsWatchedAnewAfterWhatHeldItBack(t *testing.T) {
	t.Parallel()
	for _, held := range []struct {
		reason     verdict.Reason
		begin, end func(*leaking)
		after      time.Duration // how long it is held after its end
	}{
		{verdict.TableEmpty, func(l *leaking) { l.store.empty = true }, func(l *leaking) { l.store.empty = false }, 0},
		{
			verdict.BreakerTripped, func(l *leaking) {
				l.core.breaker.Policy.MinSessions, l.core.sweeper.policy.Breaker.MinSessions = 1, 1
			},
			func(l *leaking) { l.store.owner = sessiondb.Row{ID: session, Kind: sessiondb.StatusEnded} },
			verdict.DefaultPolicy().GoneGrace.Duration,
		},
		{
			verdict.LookFailed, func(l *leaking) { l.store.err = sessiondb.ErrUnreachable },
			func(l *leaking) { l.store.err = nil }, 0,
		},
	} {
		t.Run(string(held.reason), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLeaking(t)
				gone := l.policy.GoneGrace.Duration
				l.look(t)
				pass(l.policy.LeakGrace.Duration)
				l.waits(t, "when it begins to be watched", gone, 0)
				pass(gone)
				held.begin(l)
				for range 3 { // however long it takes, and however often it is looked at
					v := l.lookCounted(t)
					if waits := v.Reason == verdict.ContainerLeaked && v.Wait > 0; v.Reason != held.reason && !waits {
						t.Errorf("held back: %+v", v)
					}
					pass(gone)
				}
				held.end(l)
				pass(held.after)
				if held.after > 0 { // a count has to notice
					l.sweep(t)
				}
				l.look(t)
				pass(gone / 2)
				if v := l.look(t); v.Reason != verdict.ContainerLeaked || v.Wait < gone/2 {
					t.Errorf("half of goneGrace after what held it back: %+v", v)
				}
				pass(gone)
				l.waits(t, "after goneGrace", 0, 0)
			})
		})
	}
}

// A row has claimed it between the look at the rows and the count of a sweep.
func TestALeakIsWatchedAnewWhenTheCountMeetsItClaimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaking(t)
		l.look(t)
		pass(l.policy.LeakGrace.Duration)
		l.look(t)
		pass(l.policy.GoneGrace.Duration)
		l.store.late = []sessiondb.Row{{ID: "other", Kind: sessiondb.StatusLive, Claim: thisID}}
		if v := l.lookCounted(t); v.Due() {
			t.Errorf("%+v, want a wait", v)
		}
	})
}

// A row has claimed it for a moment, and only the look at that row saw it.
func TestALeakIsWatchedAnewWhenALookAtASessionFindsItClaimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaking(t)
		gone := l.policy.GoneGrace.Duration
		l.look(t)
		pass(l.policy.LeakGrace.Duration)
		l.waits(t, "when it begins to be watched", gone, 0)
		pass(gone / 2)
		row := sessiondb.Row{ID: "other", Kind: sessiondb.StatusEnded, Claim: thisID}
		l.store.owner, l.store.rows = row, []sessiondb.Row{row}
		f, err := l.core.looker.look(t.Context(), "other")
		sessions := l.core.sessionReconciler(noQueue{}, nil).subject
		if err := errors.Join(err, sessions.record(t.Context(), "other", f)); err != nil {
			t.Fatal(err)
		}
		l.store.owner, l.store.rows = sessiondb.Row{}, nil
		pass(gone / 2)
		if v := l.look(t); v.Reason != verdict.ContainerLeaked || v.Wait < gone {
			t.Errorf("half of goneGrace after it was claimed: %+v", v)
		}
	})
}

// Whether the claimed container runs is why the other one of a live session may go.
func TestALeakBeginsAnewWhenTheClaimedContainerComesBack(t *testing.T) {
	t.Parallel()
	f := verdict.ContainerFacts{
		SessionFound: true, Session: sessiondb.Row{ID: "s1", Kind: sessiondb.StatusLive, Claim: "other"},
		Claimed: dockerwatch.Observation{ID: otherID, Phase: dockerwatch.Exited},
	}
	exited := f.Cause()
	f.Claimed.Phase = dockerwatch.Running
	running := f.Cause()
	f.ClaimedTaken = true
	if running == exited || running == f.Cause() {
		t.Errorf("causes %q, %q and %q, want them told apart", exited, running, f.Cause())
	}
}

// What a sweep meets claimed has to be watched from the beginning.
func TestASweepForgetsSinceWhenAClaimedContainerWasWithoutOne(t *testing.T) {
	t.Parallel()
	info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
	engine := listing{
		identified{answering{seen: dockerwatch.Observation{Engine: info.Identity()}}, info},
		[]dockerwatch.Container{{ID: thisID, Phase: dockerwatch.Running}},
	}
	store := &claimedBy{rows: []sessiondb.Row{{ID: "s1", Kind: sessiondb.StatusLive, Claim: thisID}}}
	c := newCore(Options{Store: store, Engine: engine, Policy: verdict.DefaultPolicy(), Log: logr.Discard()})
	owned := verdict.ContainerFacts{
		Container: dockerwatch.Observation{ID: thisID, Phase: dockerwatch.Running}, Owner: dockerwatch.Owner{Owned: true},
	}
	c.containerLooker.memory.record(thisID, owned, c.Policy)
	if _, err := c.sweeper.sweep(t.Context(), (&nominees{}).visitor(c.memory)); err != nil {
		t.Fatal(err)
	}
	if causeFor, _ := c.containerLooker.memory.past(thisID, owned.Cause()); causeFor != 0 {
		t.Error("a container that has lost its claim since counts as without one for longer")
	}
}

// listing is an engine that lists something.
type listing struct {
	identified

	containers []dockerwatch.Container
}

func (l listing) List(context.Context) (dockerwatch.Listing, error) {
	return dockerwatch.Listing{Engine: l.seen.Engine, Containers: l.containers}, nil
}

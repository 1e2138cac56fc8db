package evidence

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// claimedBy is a table of sessions that claim one container or none.
type claimedBy struct {
	Store

	rows []sessiondb.Row
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

// leaking is a container of a session without a row, and what looks at it.
type leaking struct {
	*looks

	store *claimedBy
	// counts are what each sweep counts.
	counts verdict.Counts
}

func newLeaking(t *testing.T) *leaking {
	t.Helper()
	info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
	store := &claimedBy{}
	return &leaking{store: store, looks: newLooks(t, Options{
		Store: store, Policy: verdict.DefaultPolicy(),
		Engine: identified{dockerwatch.Observation{
			ID: thisID, Name: "web", Phase: dockerwatch.Running, Created: time.Now(), Engine: info.Identity(),
			Labels: map[string]string{"session": session, "io.session-controller.installation": "here"},
		}, info},
		Ownership: dockerwatch.Ownership{Label: "session", Installation: "here"},
	})}
}

func (l *leaking) look(t *testing.T) verdict.Verdict {
	t.Helper()
	f, err := l.containers.Look(t.Context(), thisID)
	if !errors.Is(err, l.store.err) {
		t.Error(err)
	}
	l.ContainerTracker.Record(thisID, f, l.Policy)
	return verdict.DecideContainer(l.Policy, f)
}

// lookCounted is a look, and another one after a sweep where the first waits for that.
func (l *leaking) lookCounted(t *testing.T) verdict.Verdict {
	t.Helper()
	v := l.look(t)
	if v.Reason != verdict.AwaitingSweep {
		return v
	}
	pass(time.Millisecond)
	l.sweep()
	return l.look(t)
}

func (l *leaking) sweep() { l.Breaker.Counted(time.Now(), l.counts) }

// waits checks that a look says that it has leaked, and how long it waits.
func (l *leaking) waits(t *testing.T, when string, wait, again time.Duration) {
	t.Helper()
	v := l.lookCounted(t)
	if v.Reason != verdict.ContainerLeaked || v.Wait != wait || v.Again != again || v.Due() != (wait == 0) {
		t.Errorf("%s: %+v", when, v)
	}
}

// A container is seen before its claim is saved, and next when its grace is over. In between a row has claimed it, and
// was lost just now.
func TestALeakIsWatchedToTheEndOfItsGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaking(t)
		leak, gone := l.Policy.LeakGrace.Duration, l.Policy.GoneGrace.Duration
		l.waits(t, "at first", leak, leak-gone)
		pass(leak)
		l.waits(t, "after leakGrace without a look", gone, 0)
		pass(gone)
		l.waits(t, "after a second look", 0, 0)
		l.store.rows = []sessiondb.Row{{ID: "other", Kind: sessiondb.StatusLive, Claim: thisID}}
		l.look(t)
		l.store.rows = nil
		l.waits(t, "after a claim that a look saw", gone, 0)
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
				l.counts = verdict.Counts{Owned: 20, Rowless: 20}
			},
			func(l *leaking) {
				l.counts, l.store.owner = verdict.Counts{}, sessiondb.Row{ID: session, Kind: sessiondb.StatusEnded}
			},
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
				gone := l.Policy.GoneGrace.Duration
				l.look(t)
				pass(l.Policy.LeakGrace.Duration)
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
					l.sweep()
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

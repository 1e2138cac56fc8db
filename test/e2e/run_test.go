package e2e

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// start runs a controller until the test ends, or until stop is called; it returns when the first sweep is complete.
func (w *world) start(source dockerwatch.EventSource) (stop func()) {
	w.Helper()
	c, stop := w.launch(source)
	w.until("the controller is ready", func() bool { return c.Ready() == nil })
	return stop
}

// launch is start for a controller that may never become ready.
func (w *world) launch(source dockerwatch.EventSource) (c *controllers.Controller, stop func()) {
	w.Helper()
	graceful := 8 * time.Second
	mgr, err := manager.New(&rest.Config{}, manager.Options{
		Metrics: server.Options{BindAddress: "0"}, GracefulShutdownTimeout: &graceful, Logger: logr.Discard(),
	})
	if err != nil {
		w.Fatal(err)
	}
	c = controllers.New(w.opts, source)
	if err := c.SetupWithManager(mgr); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.Context()))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stopped := false
	stop = func() {
		w.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				w.Errorf("the controller ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			w.Error("the controller did not end within 10 s of being told to")
		}
	}
	w.Cleanup(stop)
	return c, stop
}

// dies lets a container's process die by itself: the engine sends no kill event.
func (w *world) dies(id string) {
	w.Helper()
	if w.private != nil {
		w.private.Signal(id, syscall.SIGKILL)
		return
	}
	testenv.Signal(w.TB, id, syscall.SIGKILL)
}

// fails waits until a session is failed and its claim cleared, and both are in the log.
func (w *world) fails(session string) {
	w.Helper()
	w.until("session "+session+" has failed", func() bool {
		return w.row(session) == "ERROR NULL" &&
			len(w.log.with(`"session":"`+session+`"`, `"newstatus":"ERROR"`, `"newclaim":""`)) > 0
	})
}

// sureOfNames waits for a sweep that is sure of the names. The first one cannot know whether a name means the listed
// container, unless an event of its start came late and a look at the session was before it: then there is no second.
func (w *world) sureOfNames() {
	w.Helper()
	w.until("a sweep is sure of the names", func() bool { return len(w.log.with(`"msg":"Swept"`, `"unsure":0`)) > 0 })
}

func TestACrashIsRecordedAtOnceAndAStopAfterItsGrace(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.Policy.ExitGrace.Duration = time.Hour
		old := w.run(testenv.Container{})
		w.insert("old", "ACTIVE", old) // started before the controller
		w.start(w.engine)
		fresh, stopped := w.run(testenv.Container{}), w.run(testenv.Container{})
		w.insert("fresh", "ACTIVE", fresh[:12])
		w.insert("stopped", "ACTIVE", stopped)

		stop(w, stopped) // its event comes before those of the crashes, so it has been looked at when they are recorded
		w.dies(old)
		w.dies(fresh)
		w.fails("old")
		w.fails("fresh")
		w.wantState(old, "gone")
		w.wantRow("stopped", "ACTIVE "+stopped)
		w.log.want(w, 1, `"session":"fresh"`, `"action":"fail"`, `"exitcode":137`)
	})
}

func TestAContainerThatIsRestartedWithinTheGraceCostsNoSession(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.Policy.ExitGrace.Duration = 5 * time.Second // a busy engine may take one or two to start it again
		restarted, stopped := w.run(testenv.Container{}), w.run(testenv.Container{})
		w.insert("restarted", "ACTIVE", restarted)
		w.insert("stopped", "ACTIVE", stopped)
		w.start(w.engine)
		err := testenv.Docker(w.TB).ContainerRestart(w.Context(), restarted, container.StopOptions{})
		if err != nil {
			w.Fatal(err)
		}
		stop(w, stopped)
		// The stopped one waits out the same grace and began later.
		w.fails("stopped")
		w.wantRow("restarted", "ACTIVE "+restarted)
		w.wantState(restarted, "running")
	})
}

func TestAContainerThatRemovesItselfLeavesItsExitCode(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		// What is only gone waits for an hour; what is known to have ended does not.
		w.opts.Policy.GoneGrace.Duration, w.opts.Policy.StartGrace.Duration = time.Hour, time.Hour
		name := testenv.Name(w.TB, w.prefix)
		id := w.run(testenv.Container{Name: name, AutoRemove: true, Cmd: []string{"/workload", "exit-on-usr1", "7"}})
		w.insert("s1", "ACTIVE", name) // the name alone says nothing once the container is gone
		// The sweep alone can know what the name meant, and nothing is heard before the container is gone.
		w.start(belated{w.engine})
		w.sureOfNames()
		testenv.Signal(w.TB, id, syscall.SIGUSR1)
		w.fails("s1")
		w.log.want(w, 1, `"msg":"Session failed"`, `"session":"s1"`, `"exitcode":7`, `"reason":"ContainerExited"`)
	})
}

// belated is an event stream that says nothing of a container until it is gone, and leaves out its start.
type belated struct{ dockerwatch.EventSource }

func (b belated) Events(
	ctx context.Context, since time.Time, connected func(string) error, handle func(dockerwatch.Event),
) error {
	held := map[string][]dockerwatch.Event{}
	return b.EventSource.Events(ctx, since, connected, func(e dockerwatch.Event) {
		if e.Action != dockerwatch.ActionStart {
			held[e.ID] = append(held[e.ID], e)
		}
		if e.Action == dockerwatch.ActionDestroy {
			for _, old := range held[e.ID] {
				handle(old)
			}
		}
	})
}

// deaf is an event stream that never says anything, as an engine whose events are all lost.
type deaf struct{ dockerwatch.EventSource }

func (d deaf) Events(
	ctx context.Context, _ time.Time, connected func(string) error, _ func(dockerwatch.Event),
) error {
	if err := introduce(ctx, d, connected); err != nil {
		return err
	}
	<-ctx.Done()
	return fmt.Errorf("deaf: %w", ctx.Err())
}

// introduce tells of a connection to the engine of a source.
func introduce(ctx context.Context, source dockerwatch.EventSource, connected func(string) error) error {
	info, err := source.Info(ctx)
	if err != nil {
		return fmt.Errorf("introduce: %w", err)
	}
	return connected(info.Identity())
}

func TestSweepsFindWhatNoEventToldOf(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.ResyncPeriod = 200 * time.Millisecond
		dying, ending := w.run(testenv.Container{}), w.run(testenv.Container{})
		w.insert("dying", "ACTIVE", dying)
		w.insert("ending", "ACTIVE", ending)
		w.start(deaf{w.engine})
		w.dies(dying)
		w.serverDoes(`UPDATE sessions SET status = 'TERMINATED' WHERE id = 'ending'`)
		w.fails("dying")
		w.until("the ended session is released", func() bool { return w.row("ending") == "TERMINATED NULL" })
		w.wantState(ending, "gone")
	})
}

// breakable is a deaf stream that connects and breaks on command.
type breakable struct {
	dockerwatch.EventSource

	connects, breaks chan struct{}
}

// startDeaf starts the controller on a deaf stream, and returns when the sweep that follows its connection is complete:
// only another connection, or the resync period, is followed by a further one.
func (w *world) startDeaf() breakable {
	w.Helper()
	swept := func() int { return len(w.log.with(`"msg":"Swept"`)) }
	stream := breakable{w.engine, make(chan struct{}), make(chan struct{})}
	w.launch(stream)
	w.until("the first sweep is complete, without a stream", func() bool { return swept() == 1 })
	close(stream.connects)
	w.until("the connection is followed by a sweep", func() bool { return swept() == 2 })
	return stream
}

// RecentEvents fails: nothing is known of what happened while the stream was broken.
func (b breakable) RecentEvents(context.Context, time.Time) ([]dockerwatch.Moment, error) {
	return nil, dockerwatch.ErrTimeout
}

func (b breakable) Events(
	ctx context.Context, _ time.Time, connected func(string) error, _ func(dockerwatch.Event),
) error {
	select {
	case <-b.connects:
	case <-ctx.Done():
		return fmt.Errorf("not connected: %w", ctx.Err())
	}
	if err := introduce(ctx, b, connected); err != nil {
		return err
	}
	select {
	case <-b.breaks:
		return fmt.Errorf("broken: %w", dockerwatch.ErrUnreachable)
	case <-ctx.Done():
		return fmt.Errorf("deaf: %w", ctx.Err())
	}
}

func TestEveryReconnectionIsFollowedByASweep(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.ResyncPeriod = time.Hour
		id := w.run(testenv.Container{})
		w.insert("s1", "ACTIVE", id)
		stream := w.startDeaf()
		w.dies(id)
		stream.breaks <- struct{}{}
		w.fails("s1")
	})
}

func TestAStubbornContainerDelaysNobody(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.Workers = 1
		w.opts.Policy.StopTimeout.Duration = time.Hour
		stubborn := w.run(testenv.Container{Cmd: []string{"/workload", "ignore-term"}})
		w.insert("stubborn", "TERMINATED", stubborn)
		stopping := make(chan struct{})
		w.opts = w.hooked(once("stop", func() { close(stopping) }))
		end := w.start(w.engine)
		<-stopping
		id := w.run(testenv.Container{})
		w.insert("s1", "ACTIVE", id)
		w.dies(id)
		w.fails("s1") // with the one worker there is
		w.wantRow("stubborn", "TERMINATED "+stubborn)

		end() // while the stop is under way
		w.wantRow("stubborn", "TERMINATED "+stubborn)
		w.wantState(stubborn, "running")
	})
}

func TestARevivedSessionIsNotJudgedByTheContainerItHadBefore(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.Policy.StartGrace.Duration = time.Hour // what a name that is saved ahead of its container is given
		w.opts.ResyncPeriod = 100 * time.Millisecond
		o, c := w.counting()
		w.opts = o
		name := testenv.Name(w.TB, "somebody-elses-") // not owned, so the claim outlives the end of the session
		old := w.run(testenv.Container{Name: name})
		w.insert("s1", "ACTIVE", name)
		w.start(deaf{w.engine})
		w.serverDoes(`UPDATE sessions SET status = 'TERMINATED' WHERE id = 's1'`)
		w.until("the end is seen", func() bool { return len(w.log.with(`"reason":"ContainerForeign"`)) == 1 })

		remove := container.RemoveOptions{Force: true}
		if err := testenv.Docker(w.TB).ContainerRemove(w.Context(), old, remove); err != nil {
			w.Fatal(err)
		}
		w.serverDoes(`UPDATE sessions SET status = 'ACTIVE', container_id = $1 WHERE id = 's1'`, name)
		looks := c.Get.Load()
		w.until("the revived row is looked at", func() bool { return c.Get.Load() >= looks+2 })
		w.wantRow("s1", "ACTIVE "+name)
	})
}

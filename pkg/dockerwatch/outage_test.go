package dockerwatch_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// One engine that freezes, thaws, dies and comes back. Nothing of it makes a container look gone.
func TestAnEngineThatComesAndGoes(t *testing.T) {
	t.Parallel()

	private := testenv.StartEngine(t)
	engine := open(t, dockerwatch.Config{Host: private.Host(), Timeout: 2 * time.Second})
	id := private.Run(testenv.Container{RestartPolicy: "always"})
	isRunning := func(ctx context.Context) bool {
		seen, err := engine.Observe(ctx, id)
		if err == nil && seen.Phase == dockerwatch.Gone {
			t.Fatalf("the container looked gone")
		}
		return err == nil && seen.Phase == dockerwatch.Running
	}
	identity, err := engine.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	broken := make(chan error, 1)
	up := make(chan struct{})
	go func() {
		broken <- engine.Events(t.Context(), time.Time{}, func(string) error {
			close(up)
			return nil
		}, func(dockerwatch.Event) {})
	}()
	<-up

	private.Freeze()
	_, err = engine.Observe(t.Context(), id)
	isOnly(t, err, dockerwatch.ErrTimeout)
	isOnly(t, engine.Remove(t.Context(), id, dockerwatch.RemoveOptions{}), dockerwatch.ErrTimeout)
	private.Thaw()
	eventually(t, "the thawed engine answers", isRunning)

	private.Kill()
	_, err = engine.Observe(t.Context(), id)
	isOnly(t, err, dockerwatch.ErrUnreachable)
	if err := <-broken; !errors.Is(err, dockerwatch.ErrUnreachable) {
		t.Errorf("the stream ended with %v", err)
	}

	private.Start()
	eventually(t, "the engine is back with its container", isRunning)
	again, err := engine.Info(t.Context())
	if err != nil || again.ID != identity.ID || again.RootDir != identity.RootDir {
		t.Errorf("its identity was %+v and is %+v, %v", identity, again, err)
	}
}

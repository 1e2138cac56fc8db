package e2e

import (
	"errors"
	"testing"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// failing are the names of the checks that fail.
func failing(c *controllers.Controller) map[string]bool {
	names := map[string]bool{}
	for _, check := range c.Checks() {
		if check.Err != nil {
			names[check.Name] = true
		}
	}
	return names
}

// TestOutageReadinessSaysWhichSideIsAway also shows that the process counts as alive all the time: a restart would
// bring back neither an engine nor a database.
func TestOutageReadinessSaysWhichSideIsAway(t *testing.T) {
	t.Parallel()
	t.Run("the engine", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, testenv.PostgresURL(t), "postgres")
		private, engine := w.privateEngine()
		c, _ := w.launch(engine)
		w.until("it is ready", func() bool { return c.Ready() == nil })
		private.Kill()
		w.until("the engine is missed", func() bool { return failing(c)["engine-events"] })
		if err := c.Ready(); !errors.Is(err, dockerwatch.ErrUnreachable) {
			t.Errorf("it is not ready as %v, want the cause", err)
		}
		if err := c.Alive(); err != nil {
			t.Errorf("without an engine the process is not alive: %v", err)
		}
		private.Start()
		w.until("it is ready again", func() bool { return c.Ready() == nil })
	})
	t.Run("the database", func(t *testing.T) {
		t.Parallel()
		server := testenv.StartPostgres(t)
		w := followed(t, server.URL())
		c, _ := w.launch(w.engine)
		w.until("it is ready", func() bool { return c.Ready() == nil })
		server.Stop()
		w.until("the database is missed", func() bool { return failing(c)["database-changes"] })
		if err := c.Alive(); err != nil {
			t.Errorf("without a database the process is not alive: %v", err)
		}
		server.Start()
		w.within(afterBackoff, "it is ready again", func() bool { return c.Ready() == nil })
	})
}

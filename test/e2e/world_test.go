package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"
	"github.com/go-logr/logr/funcr"
	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

func TestMain(m *testing.M) {
	testenv.Parallel(6) // tests of outages wait most of the time, for engines, databases and deadlines
	// A toxic that is taken away while data comes in leaves who handed it the data waiting for ever.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"))
}

// world is one session server's world: a database of its own, the engine that all tests share, and the rows and
// containers that a test puts there.
type world struct {
	testing.TB

	store  *sessiondb.Store
	engine *dockerwatch.Engine
	server *sql.DB // the session server's own connection
	opts   controllers.Options
	log    *logLines
	// prefix and label own this world's containers, and no other's on the engine that all tests share.
	prefix, label string
	// private is an engine of this world's own; nil where it is the one that all tests share, of which docker is a client.
	private *testenv.Engine
	docker  *client.Client
	// sessions is how many were given a number for a name, unharmed how many nothing happens to.
	sessions, unharmed int
}

// inBoth runs a test against both databases.
func inBoth(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(newWorld(t, testenv.PostgresURL(t), "postgres"))
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(newWorld(t, "file:"+filepath.Join(t.TempDir(), "sessions.db"), "sqlite"))
	})
}

func newWorld(t testing.TB, url, driver string) *world {
	t.Helper()
	cfg := sessiondb.DefaultConfig()
	cfg.URL = url
	return newWorldWith(t, cfg, driver)
}

func newWorldWith(t testing.TB, cfg sessiondb.Config, driver string) *world {
	t.Helper()
	if _, err := sessiondb.CreateSessionsTable(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	store, err := sessiondb.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sql.Open(driver, serverURL(cfg.URL))
	if err != nil {
		t.Fatal(err)
	}
	engine, err := dockerwatch.New(dockerwatch.Config{Host: testenv.DockerHost(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range []interface{ Close() error }{store, server, engine} {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	info, err := engine.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own := fmt.Sprintf("world-%08x", rand.Uint32())
	w := &world{
		TB: t, store: store, engine: engine, server: server, log: &logLines{},
		prefix: own + "-", label: "test.session." + own, docker: testenv.Docker(t),
	}
	w.opts = controllers.Options{
		Store: store, Engine: engine, Identity: info.Identity(), Policy: hasty(),
		Ownership:    dockerwatch.Ownership{Label: w.label, NamePrefixes: []string{w.prefix}},
		ResyncPeriod: time.Minute, Workers: 4, Log: funcr.NewJSON(w.log.add, funcr.Options{Verbosity: 1}),
	}
	return w
}

// serverURL lets the session server's own connection wait for a lock, as the controller's does.
func serverURL(url string) string {
	if strings.HasPrefix(url, "file:") {
		return url + "?_pragma=busy_timeout(5000)"
	}
	return url
}

// hasty is a policy without graces: what the tests of graces change.
func hasty() controllers.Policy {
	return controllers.Policy{
		StopTimeout: metav1.Duration{Duration: time.Second}, CrashLoop: controllers.CrashLoopReport,
		RemoveLeaked: controllers.RemoveLabelled, Breaker: controllers.BreakerPolicy{MaxFraction: 1, MinSessions: 10},
	}
}

// insert puts a row there, as the session server would. A nil claim is NULL.
func (w *world) insert(id, status string, claim any) {
	w.Helper()
	w.serverDoes(`INSERT INTO sessions (id, status, container_id) VALUES ($1, $2, $3)`, id, status, claim)
}

// serverDoes is one statement of the session server.
func (w *world) serverDoes(statement string, args ...any) {
	w.Helper()
	if _, err := w.server.ExecContext(w.Context(), statement, args...); err != nil {
		w.Fatalf("the session server's %q: %v", statement, err)
	}
}

// row returns "STATUS claim" of a session, with NULL for a claim that is.
func (w *world) row(id string) string {
	w.Helper()
	var status string
	var claim sql.NullString
	err := w.server.QueryRowContext(w.Context(), `SELECT status, container_id FROM sessions WHERE id = $1`, id).
		Scan(&status, &claim)
	if err != nil {
		w.Fatalf("read session %s: %v", id, err)
	}
	if !claim.Valid {
		claim.String = "NULL"
	}
	return status + " " + claim.String
}

// wantRow checks a row.
func (w *world) wantRow(id, want string) {
	w.Helper()
	if got := w.row(id); got != want {
		w.Errorf("session %s is %q, want %q; log:\n%s", id, got, want, w.log)
	}
}

// state returns the state of a container, "gone" when the engine has none.
func (w *world) state(id string) string {
	w.Helper()
	c, err := w.docker.ContainerInspect(w.Context(), id)
	if errdefs.IsNotFound(err) {
		return "gone"
	}
	if err != nil {
		w.Fatalf("inspect container %s: %v", id, err)
	}
	return c.State.Status
}

// wantState checks a container.
func (w *world) wantState(id, want string) {
	w.Helper()
	if got := w.state(id); got != want {
		w.Errorf("container %s is %s, want %s; log:\n%s", id, got, want, w.log)
	}
}

// run starts a container that this world owns by its name.
func (w *world) run(c testenv.Container) (id string) {
	w.Helper()
	if c.Name == "" {
		c.Name = testenv.Name(w.TB, w.prefix)
	}
	if w.private != nil {
		return w.private.Run(c)
	}
	return testenv.Run(w.TB, c)
}

// exited returns a container whose process has ended by itself with code 3.
func (w *world) exited() (id string) {
	w.Helper()
	id = w.run(testenv.Container{Cmd: []string{"/workload", "exit", "3"}})
	w.until("the container has exited", func() bool { return w.state(id) == "exited" })
	return id
}

// enough is how long a sweep is given whose keys fail on and on: it takes all of it.
const enough = 6 * time.Second

// sweep converges once and fails the test when that ends in an error.
func (w *world) sweep() controllers.SweepReport {
	w.Helper()
	return w.sweepWith(w.opts)
}

func (w *world) sweepWith(o controllers.Options) controllers.SweepReport {
	w.Helper()
	report, err := controllers.SweepOnce(w.Context(), o, time.Minute, nil)
	if err != nil {
		w.Fatalf("sweep: %v", err)
	}
	for _, f := range report.Failed {
		w.Errorf("session %s, container %s: %v", f.Session, f.Container, f.Err)
	}
	return report
}

// until waits for a condition, looking again often; it fails the test after a time that is long for any machine.
func (w *world) until(what string, holds func() bool) {
	w.Helper()
	w.within(time.Minute, what, holds)
}

// within is until with a limit of its own.
func (w *world) within(limit time.Duration, what string, holds func() bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), limit)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.Fatalf("waited %s in vain until %s; log:\n%s", limit, what, w.log)
		}
	}
}

// everything is all rows and the states of the containers, to be compared before and after.
func (w *world) everything(containers ...string) string {
	w.Helper()
	rows, err := w.server.QueryContext(w.Context(),
		`SELECT id, status, coalesce(container_id, 'NULL') FROM sessions ORDER BY id`)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var b strings.Builder
	for rows.Next() {
		var id, status, claim string
		if err := rows.Scan(&id, &status, &claim); err != nil {
			w.Fatal(err)
		}
		fmt.Fprintln(&b, id, status, claim)
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	for _, c := range containers {
		fmt.Fprintln(&b, c, w.state(c))
	}
	return b.String()
}

package sessions_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	sessions "github.com/session-controller/session-controller/examples/go"
	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/rig"
	"github.com/session-controller/session-controller/test/testenv"
)

// TestAServerAndItsController runs the example beside the built controller, with a real engine and database.
func TestAServerAndItsController(t *testing.T) {
	t.Parallel()
	url, installation := testenv.PostgresURL(t), testenv.Name(t, "i")
	config := filepath.Join(t.TempDir(), "config.yaml")
	yaml := fmt.Sprintf(`
database: {notifyChannel: session_failed}
docker: {ownership: {installation: %s}}
policy: {exitGrace: 0s, leakGrace: 0s, goneGrace: 0s, adoptAfter: 1s, stopTimeout: 1s}
`, installation)
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := testenv.Controller(t)
	env := []string{"DATABASE_URL=" + url, "DOCKER_HOST=" + testenv.DockerHost(t)}
	migrate := exec.CommandContext(t.Context(), binary, "migrate", "--sessions-table", "--config", config)
	migrate.Env = env
	if out, err := migrate.CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	cfg := sessiondb.DefaultConfig()
	cfg.URL = url
	claims, err := sessiondb.OpenServer(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = claims.Close() })
	db, err := sqlx.ConnectContext(t.Context(), "postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	server := &sessions.Server{
		Docker: testenv.Docker(t), DB: db, Claims: claims, Installation: installation, Image: testenv.Image(t),
	}
	testenv.RemoveLabelled(t, "io.session-controller.installation="+installation)

	program := rig.Program{Binary: binary, Config: config, Env: env, Log: filepath.Join(t.TempDir(), "log")}
	controller, err := program.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(controller.Kill)
	failures, listening := make(chan sessions.Failure, 10), make(chan struct{}, 10)
	go func() {
		err := sessions.Listen(t.Context(), url, "session_failed", func(f sessions.Failure) { failures <- f },
			func() { listening <- struct{}{} })
		if err != nil {
			t.Error(err)
		}
	}()
	<-listening
	becomes := func(session, want string) {
		t.Helper()
		await(t, "session "+session+" is "+want, func() bool {
			var got string
			err := db.GetContext(t.Context(), &got,
				`SELECT status || ' ' || (container_id IS NOT NULL) FROM sessions WHERE id = $1`, session)
			return err == nil && got == want
		})
	}

	// A session whose process dies says ERROR, and its server is told why.
	if err := server.Start(t.Context(), "dies"); err != nil {
		t.Fatal(err)
	}
	becomes("dies", "ACTIVE true")
	id, err := claims.ContainerID(t.Context(), "dies")
	if err != nil {
		t.Fatal(err)
	}
	testenv.Signal(t, id, syscall.SIGKILL)
	select {
	case f := <-failures:
		if f.Session != "dies" || f.Reason != "ContainerExited" || !strings.Contains(f.Message, "code 137") {
			t.Errorf("told %+v", f)
		}
	case <-time.After(time.Minute):
		t.Fatal("the failure is told to nobody")
	}
	becomes("dies", "ERROR false")

	// It is revived with a new container, ended, and cleaned up by the controller.
	if err := server.Revive(t.Context(), "dies"); err != nil {
		t.Fatal(err)
	}
	becomes("dies", "ACTIVE true")
	if err := server.End(t.Context(), "dies"); err != nil {
		t.Fatal(err)
	}
	becomes("dies", "TERMINATED false")

	// A server that dies between creating a container and saving its id leaves it to the controller.
	insert := `INSERT INTO sessions (id, status) VALUES ('unsaved', 'ACTIVE')`
	if _, err := db.ExecContext(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	testenv.Run(t, testenv.Container{Labels: map[string]string{
		"io.session-controller.session": "unsaved", "io.session-controller.installation": installation,
	}})
	becomes("unsaved", "ACTIVE true")
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited 20 s in vain until %s", what)
		}
	}
}

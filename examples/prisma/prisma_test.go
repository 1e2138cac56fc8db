// Package prisma tries the TypeScript example with a real engine, a real PostgreSQL and the built controller.
package prisma

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	_ "github.com/lib/pq"

	"github.com/session-controller/session-controller/test/rig"
	"github.com/session-controller/session-controller/test/testenv"
)

// sources are what a user would copy.
var sources = []string{
	"package.json", "package-lock.json", "tsconfig.json", "schema.prisma", "sessions.ts", "docker.ts", "try.ts",
}

func TestTheExampleWorksBesideTheController(t *testing.T) {
	t.Parallel()
	url, installation, dir := testenv.PostgresURL(t), testenv.Name(t, "i"), t.TempDir()
	for _, name := range sources {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := append(os.Environ(), "DATABASE_URL="+url, "DOCKER_HOST="+testenv.DockerHost(t), "IMAGE="+testenv.Image(t),
		"INSTALLATION="+installation,
		// The schema engine is a binary for migrations; making the client needs none, and nothing is downloaded.
		"PRISMA_SCHEMA_ENGINE_BINARY=/bin/true", "PRISMA_HIDE_UPDATE_MESSAGE=1", "CHECKPOINT_DISABLE=1")
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = dir, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	run("npx", "prisma", "generate", "--no-hints")
	run("npx", "tsc", "--noEmit")

	migration, err := os.ReadFile("migration.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), string(migration)); err != nil {
		t.Fatal(err)
	}
	startController(t, url, installation)
	testenv.RemoveLabelled(t, "io.session-controller.installation="+installation)
	run("npx", "tsx", "try.ts")
}

// startController starts the built controller with a configuration as config/examples/prisma.yaml.
func startController(t *testing.T, url, installation string) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config.yaml")
	yaml := fmt.Sprintf(`
database:
  table: Session
  columns: {containerID: containerId, updatedAt: updatedAt, createdAt: createdAt, reason: errorMessage}
  notifyChannel: session_failed
docker: {ownership: {installation: %s}}
policy: {exitGrace: 0s, stopTimeout: 1s}
`, installation)
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	program := rig.Program{
		Binary: testenv.Controller(t), Config: config, Log: filepath.Join(t.TempDir(), "log"),
		Env: []string{"DATABASE_URL=" + url, "DOCKER_HOST=" + testenv.DockerHost(t)},
	}
	controller, err := program.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(controller.Kill)
}

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/session-controller/session-controller/test/rig"
)

// patientGrace is what a server has to save a claim and to start a container. It is short enough that a run sees
// hundreds of them end, and long enough for a machine that is busy with other work.
const patientGrace = 12 * time.Second

// settings is the controller's configuration: every grace short, so that a run of minutes holds many of each, and so
// that everything has converged soon after the last trouble. The addresses come by way of the environment.
//
// The breaker never trips. Among twenty containers it happens by chance that more than half have lost their row, and
// then it waits for an operator, as it should.
func settings(e *engine) string {
	return fmt.Sprintf(`docker:
  ownership: {installation: %q, namePrefixes: [%q]}
policy:
  exitGrace: 2s
  goneGrace: 2s
  startGrace: %[3]s
  leakGrace: %[3]s
  restartGrace: 4s
  adoptAfter: 3s
  stopTimeout: 1s
  removeLeaked: all
  breaker: {maxFraction: 1}
resyncPeriod: 5s
pollInterval: 1s
workers: 4
`, e.run, e.namePrefix(), patientGrace)
}

// settleLimit is how long everything may take to converge after the last trouble: the longest grace, a resync and a
// stop make 20 s, and a busy machine gets more than four times as much.
const settleLimit = 90 * time.Second

// prepare writes the configuration and lets the controller itself make the sessions table, with its index and trigger.
// The database's URL has a password, so it goes into the environment and neither into a file nor a command line.
func prepare(directory, binary string, e *engine, db *database) (config string, env []string, err error) {
	config = filepath.Join(directory, "config.yaml")
	if err := os.WriteFile(config, []byte(settings(e)), 0o600); err != nil {
		return "", nil, fmt.Errorf("write the controller's configuration: %w", err)
	}

	env = []string{"DATABASE_URL=" + db.URL, "DOCKER_HOST=" + os.Getenv(rig.DockerVariable)}

	migrate := exec.Command(binary, "migrate", "--sessions-table", "--config", config) //nolint:noctx // It has deadlines.
	migrate.Env = env

	if said, err := migrate.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("make the sessions table with %s migrate: %w: %s; build it with make build, or name it "+
			"with -controller", binary, err, strings.TrimSpace(string(said)))
	}

	return config, env, nil
}

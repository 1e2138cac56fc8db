package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/session-controller/session-controller/test/rig"
)

const (
	// cleanUpTimeout bounds the end of everything that was made; hundreds of containers take some seconds.
	cleanUpTimeout = 2 * time.Minute
	// failedChannel is notified whenever a session is failed, in the same transaction.
	failedChannel = "bench_failed"
)

// bed is where a group of figures is measured: a database, the engine's address and the controller's configuration.
type bed struct {
	opts options
	name string
	db   *rig.Database
	// host is the engine's address for docker and the controller.
	host string
	// installation is on every container that is the bed's own.
	installation string
	directory    string
}

// newBed makes the sessions table by the controller's own migrate, with index and trigger.
func newBed(ctx context.Context, opts options, name, host string) (*bed, error) {
	if err := os.MkdirAll(opts.logs, 0o750); err != nil {
		return nil, fmt.Errorf("make the directory for the controllers' logs: %w; name another with -logs", err)
	}

	directory, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the configuration: %w", err)
	}

	b := &bed{
		opts: opts, name: name, host: host, directory: directory,
		installation: "bench-" + strings.ToLower(rand.Text()[:10]),
	}

	b.db, err = rig.CreateDatabase(ctx, "bench")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}

	if err := b.command(ctx, "1h", "migrate", "--sessions-table"); err != nil {
		return nil, errors.Join(err, b.close(ctx))
	}

	return b, nil
}

// close takes everything away that newBed made, also when the run was interrupted.
func (b *bed) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()

	return errors.Join(b.db.Drop(ctx), os.RemoveAll(b.directory))
}

// settings is the configuration: no grace, no hold, and sweeps as far apart as it is told.
func (b *bed) settings(resync string) string {
	return fmt.Sprintf(`docker:
  ownership: {installation: %q}
database: {notifyChannel: %q}
policy:
  exitGrace: 0s
  goneGrace: 0s
  startGrace: 0s
  restartGrace: 0s
  leakGrace: 0s
  adoptAfter: 0s
  removalDelay: 0s
  breaker: {maxFraction: 1, hold: 0s}
resyncPeriod: %s
`, b.installation, failedChannel, resync)
}

// environment has the database's URL, which has a password, and belongs neither into a file nor a command line.
func (b *bed) environment() []string {
	return []string{"DATABASE_URL=" + b.db.URL, "DOCKER_HOST=" + b.host}
}

func (b *bed) configure(resync string) (string, error) {
	config := filepath.Join(b.directory, "config.yaml")
	if err := os.WriteFile(config, []byte(b.settings(resync)), 0o600); err != nil {
		return "", fmt.Errorf("write the controller's configuration: %w", err)
	}

	return config, nil
}

// command runs the controller's binary to its end.
func (b *bed) command(ctx context.Context, resync string, args ...string) error {
	config, err := b.configure(resync)
	if err != nil {
		return err
	}

	//nolint:gosec // The program that is measured is named on the command line.
	cmd := exec.CommandContext(ctx, b.opts.controller, append(args, append(b.profile(args[0]), "--config", config)...)...)
	cmd.Env = b.environment()

	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("run %s %s: %w: %s; build it with make build, or name it with -controller",
			b.opts.controller, args[0], err, lastLines(string(said)))
	}

	return nil
}

func lastLines(text string) string {
	const most = 5

	lines := strings.Split(strings.TrimSpace(text), "\n")

	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}

// start runs the controller and returns when its first sweep is complete.
func (b *bed) start(ctx context.Context, resync string) (*rig.Controller, error) {
	config, err := b.configure(resync)
	if err != nil {
		return nil, err
	}

	return rig.Program{
		Binary: b.opts.controller, Config: config, Log: filepath.Join(b.opts.logs, b.name+".log"),
		Env: b.environment(), Args: b.profile("run"),
	}.Start(ctx)
}

// profile is the flag that leaves profiles, where they are asked for.
func (b *bed) profile(command string) []string {
	if b.opts.profiles == "" || command == "migrate" {
		return nil
	}

	return []string{"--profile-dir", filepath.Join(b.opts.profiles, b.name+"-"+command)}
}

// session is one row and what it claims.
type session struct{ id, claim string }

func idsOf(sessions []session) []string {
	ids := make([]string, len(sessions))
	for i, s := range sessions {
		ids[i] = s.id
	}

	return ids
}

func claimsOf(sessions []session) []string {
	claims := make([]string, len(sessions))
	for i, s := range sessions {
		claims[i] = s.claim
	}

	return claims
}

// insert adds live sessions, in one statement.
func (b *bed) insert(ctx context.Context, sessions []session) error {
	_, err := b.db.ExecContext(ctx, `INSERT INTO sessions (id, status, container_id)
		SELECT id, 'ACTIVE', claim FROM unnest($1::text[], $2::text[]) AS new (id, claim)`,
		pq.Array(idsOf(sessions)), pq.Array(claimsOf(sessions)))
	if err != nil {
		return fmt.Errorf("insert %d sessions: %w", len(sessions), err)
	}

	return nil
}

// truncate empties the table, and leaves its statistics as they are after a vacuum: none is due while it is measured.
func (b *bed) truncate(ctx context.Context) error {
	return b.statements(ctx, "TRUNCATE sessions")
}

// analyze gives the planner what it would know of a table that has been there for a while.
func (b *bed) analyze(ctx context.Context) error {
	return b.statements(ctx, "VACUUM ANALYZE sessions")
}

func (b *bed) statements(ctx context.Context, all ...string) error {
	for _, statement := range all {
		if _, err := b.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("run %q: %w", statement, err)
		}
	}

	return nil
}

// counted is the one number that a query returns.
func (b *bed) counted(ctx context.Context, query string) (n int, err error) {
	if err := b.db.QueryRowContext(ctx, query).Scan(&n); err != nil {
		return 0, fmt.Errorf("run %q: %w", query, err)
	}

	return n, nil
}

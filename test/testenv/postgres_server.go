package testenv

import (
	"context"
	cryptorand "crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
)

// Postgres is a private PostgreSQL server that a test may kill and start again. Only the test that started it uses it,
// from one goroutine.
//
// hack/test-env.sh starts the shared one in the same way, but for how it checks passwords. Any other change here
// belongs there, too.
type Postgres struct {
	t        testing.TB
	dir      string
	programs string
	owner    *syscall.Credential
	settings []string
	password string
	port     int
	server   *process
}

// StartPostgres starts a private server with settings such as "max_connections=10". When the test ends, nothing of it
// is left. It needs root, to start the server as an ordinary user, and fails the test without.
func StartPostgres(t testing.TB, settings ...string) *Postgres {
	t.Helper()

	if os.Geteuid() != 0 {
		t.Fatalf("this test starts a PostgreSQL server of its own as another user, which needs root: as root, %s", howToGet)
	}

	// Not t.TempDir: the server's user could not pass the directories above it.
	dir, err := os.MkdirTemp("", "sc-postgres-") //nolint:usetesting // See above.
	if err != nil {
		t.Fatalf("make the directory of the private PostgreSQL server: %v", err)
	}

	p := &Postgres{t: t, dir: dir, settings: settings, password: cryptorand.Text()}
	t.Cleanup(p.cleanUp)
	p.findPrograms()
	p.findOwner()
	p.initialise()

	// A port below the ephemeral range may be taken by the time the server binds it: then it ends.
	const tries = 10
	for range tries {
		p.port = 20000 + rand.N(10000)
		if err = p.start(); err == nil {
			return p
		}
	}

	t.Fatalf("start a private PostgreSQL server: %v; its last words: %s", err, p.lastWords())

	return nil
}

// URL is the server's own database, with the rights of a superuser. It stays the same when the server is started again.
func (p *Postgres) URL() string {
	return fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", p.password, p.port)
}

// Kill ends the server in the middle of whatever it does, without a word to its clients' transactions: what PostgreSQL
// calls an immediate shutdown and treats as a crash. It returns when the server has ended.
func (p *Postgres) Kill() {
	p.t.Helper()
	p.end(syscall.SIGQUIT)
}

// Stop ends the server in order, as a restart for maintenance does: what PostgreSQL calls a fast shutdown. Its clients
// are told, their transactions are rolled back, and what was committed is on disk when it returns.
func (p *Postgres) Stop() {
	p.t.Helper()
	p.end(syscall.SIGINT)
}

func (p *Postgres) end(signal syscall.Signal) {
	p.t.Helper()

	ctx, cancel := context.WithTimeout(p.t.Context(), stopTimeout)
	defer cancel()

	if err := errors.Join(p.server.signal(signal), p.server.wait(ctx)); err != nil {
		p.t.Fatalf("end the private PostgreSQL server by %v: %v; its last words: %s", signal, err, p.lastWords())
	}
}

// Start starts the server again after [Postgres.Kill] or [Postgres.Stop] and returns when it takes connections.
func (p *Postgres) Start() {
	p.t.Helper()

	if err := p.start(); err != nil {
		p.t.Fatalf("start the private PostgreSQL server again: %v; its last words: %s", err, p.lastWords())
	}
}

func (p *Postgres) start() error {
	settings := append([]string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(p.port), "unix_socket_directories=",
		"fsync=off", "full_page_writes=off",
	}, p.settings...)

	args := make([]string, 0, 2+2*len(settings))
	args = append(args, "-D", filepath.Join(p.dir, "data"))

	for _, setting := range settings {
		args = append(args, "-c", setting)
	}

	server, err := p.spawn("postgres", args...)
	if err != nil {
		return err
	}

	p.server = server

	ctx, cancel := context.WithTimeout(p.t.Context(), startTimeout)
	defer cancel()

	return poll(ctx, func() error {
		if !server.running() {
			cancel() // It will never answer.
		}

		db, err := sql.Open("postgres", p.URL())
		if err != nil {
			return err
		}
		defer db.Close() //nolint:errcheck // The ping's own error says all.

		return db.PingContext(ctx)
	})
}

// initialise makes the data directory.
func (p *Postgres) initialise() {
	p.t.Helper()

	password := filepath.Join(p.dir, "password")
	if err := os.WriteFile(password, []byte(p.password+"\n"), 0o600); err != nil {
		p.t.Fatalf("write the password of the private PostgreSQL server: %v", err)
	}

	for _, path := range []string{p.dir, password} {
		if err := os.Chown(path, int(p.owner.Uid), int(p.owner.Gid)); err != nil {
			p.t.Fatalf("give the private PostgreSQL server its directory: %v", err)
		}
	}

	made, err := p.spawn("initdb", "--pgdata", filepath.Join(p.dir, "data"), "--username=postgres", "--pwfile", password,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	if err == nil {
		ctx, cancel := context.WithTimeout(p.t.Context(), startTimeout)
		defer cancel()

		err = made.wait(ctx)
	}

	if err != nil || !made.cmd.ProcessState.Success() {
		p.t.Fatalf("initdb for a private PostgreSQL server: %v; its last words: %s", err, p.lastWords())
	}
}

// spawn starts one of the server's programs as its user.
func (p *Postgres) spawn(name string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	defer log.Close() //nolint:errcheck // The process has its own handle; nothing is written to this one.

	// Not SIGKILL, by which it would leave its shared memory: an immediate shutdown. The signal survives the change of
	// user, because it is set after that.
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT, Credential: p.owner}

	return spawnAs(as, log, filepath.Join(p.programs, name), args...)
}

// findPrograms finds the server's programs, which Debian keeps out of PATH: the newest version's.
func (p *Postgres) findPrograms() {
	p.t.Helper()

	// The pattern is a constant and well formed.
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 {
		slices.Sort(found) // All versions of today have two digits.
		p.programs = filepath.Dir(found[len(found)-1])

		return
	}

	found, err := exec.LookPath("initdb")
	if err != nil {
		p.t.Fatalf("this test needs a PostgreSQL server, which is not installed: %v: %s", err, howToGet)
	}

	p.programs = filepath.Dir(found)
}

// findOwner finds the user of the server: the Debian package makes postgres, and nobody is there in any case.
func (p *Postgres) findOwner() {
	p.t.Helper()

	owner, err := user.Lookup("postgres")
	if err != nil {
		owner, err = user.Lookup("nobody")
	}

	if err != nil {
		p.t.Fatalf("find a user for the private PostgreSQL server: %v", err)
	}

	uid, uidErr := strconv.ParseUint(owner.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(owner.Gid, 10, 32)

	if err := errors.Join(uidErr, gidErr); err != nil {
		p.t.Fatalf("the user of the private PostgreSQL server: %v", err)
	}

	p.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// cleanUp ends the server in whatever state the test left it. It is not killed, or it would leave its shared memory.
func (p *Postgres) cleanUp() {
	ctx, cancel := cleanupContext(p.t)
	defer cancel()

	if p.server.running() {
		if err := errors.Join(p.server.signal(syscall.SIGQUIT), p.server.wait(ctx)); err != nil {
			p.t.Errorf("end the private PostgreSQL server in %s: %v", p.dir, err)
		}
	}

	if err := os.RemoveAll(p.dir); err != nil {
		p.t.Errorf("remove the directory of the private PostgreSQL server: %v", err)
	}
}

func (p *Postgres) lastWords() string { return lastWords(filepath.Join(p.dir, "log")) }

package sessiondb_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// What a replica shows may be old: a session that has begun since is missing there.
func TestAReadReplicaIsRefused(t *testing.T) { //nolint:tparallel // the second case changes the URL of the fixture
	t.Parallel()
	// A server of its own: each database that another test makes or drops on the shared one is a checkpoint, by which the
	// log can go that a copy of it still needs.
	f := createIn(t, plainOf(t, "postgres/plain"), testenv.StartPostgres(t).URL())
	f.insert("a", "ACTIVE", "x")
	replica := f.standby()

	t.Run("at the start", func(t *testing.T) { //nolint:paralleltest // the servers end with the outer test
		config := f.config
		config.URL = replica
		store, err := sessiondb.Open(t.Context(), config)
		if err == nil {
			closed(t, store)
			t.Fatal("a read replica was accepted")
		}
		if !strings.Contains(err.Error(), "is a read replica") {
			t.Errorf("%v, want it to say what the server is", err)
		}
	})
	t.Run("after a failover", func(t *testing.T) { //nolint:paralleltest // as above
		p := through(t, f)
		store, err := sessiondb.Open(t.Context(), f.config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closed(t, store) })
		if _, err := store.Get(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		_, dir, _ := strings.Cut(replica, "host=")
		primary := p.lead(strings.ReplaceAll(dir, "%2F", "/") + "/.s.PGSQL.5432")
		p.cut()
		row, err := store.Get(t.Context(), "a")
		if !errors.Is(err, sessiondb.ErrUnreachable) || !strings.Contains(err.Error(), "is a read replica") {
			t.Errorf("read %+v, %v, want ErrUnreachable that says what the server is", row, err)
		}
		p.lead(primary)
		if _, err := store.Get(t.Context(), "a"); err != nil {
			t.Errorf("and with the primary back: %v", err)
		}
	})
}

// standby copies the server into one that follows it, and returns its URL.
func (f *fixture) standby() (url string) {
	f.t.Helper()
	dir := f.t.TempDir()
	data := filepath.Join(dir, "data")
	programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(programs) == 0 {
		f.t.Fatal("there is no pg_basebackup below /usr/lib/postgresql: install the package postgresql")
	}
	bin := slices.Max(programs)
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 { // PostgreSQL refuses to run as root
		attr.Credential = f.postgresUser(dir)
	}
	backup := exec.CommandContext(f.t.Context(), bin+"/pg_basebackup", "--dbname="+f.config.URL, "--pgdata="+data,
		"--write-recovery-conf", "--no-sync", "--checkpoint=fast")
	backup.SysProcAttr, backup.Dir = attr, dir
	if out, err := backup.CombinedOutput(); err != nil {
		f.t.Fatalf("pg_basebackup: %v\n%s", err, out)
	}
	var most int
	if err := f.raw.QueryRowContext(f.t.Context(),
		`SELECT current_setting('max_connections')::int`).Scan(&most); err != nil {
		f.t.Fatal(err)
	}
	server := exec.Command(bin+"/postgres", "-D", data, "-c", "listen_addresses=", "-c", //nolint:noctx // ended below
		"unix_socket_directories="+dir, "-c", "port=5432", "-c", "max_connections="+strconv.Itoa(most), "-c", "fsync=off")
	server.SysProcAttr, server.Dir = attr, dir
	if err := server.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT)
		_ = server.Wait()
	})
	before, _, _ := strings.Cut(f.config.URL, "@")
	name := f.config.URL[strings.LastIndex(f.config.URL, "/")+1:]
	name, _, _ = strings.Cut(name, "?")
	url = before + "@/" + name + "?sslmode=disable&host=" + strings.ReplaceAll(dir, "/", "%2F")
	db := connect(f.t, "postgres", url)
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for db.PingContext(ctx) != nil {
		if ctx.Err() != nil {
			f.t.Fatal("the standby did not begin to answer")
		}
		<-tick.C
	}
	return url
}

// postgresUser owns dir from then on.
func (f *fixture) postgresUser(dir string) *syscall.Credential {
	f.t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		f.t.Fatal(err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		f.t.Fatal(err)
	}
	// What is above it belongs to root, and is closed to others.
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { //nolint:gosec // a directory that another user must enter
		f.t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

package sim

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver of the server's and the observer's own connection

	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/engine"
)

const (
	installation = "sim"
	label        = "io.session-controller.session"
	prefix       = "claude-work-"
	// secret stands in the environment and the command of every container, in what is executed in them, and in the page
	// of a proxy.
	secret = "hunter2"
)

// world is one run.
type world struct {
	setup

	t     *testing.T
	ctx   context.Context //nolint:containedctx // the run's own, for what goes on beside its steps
	began time.Time
	path  string
	nodes []*node
	db    *sql.DB // the server's and the observer's

	// writing is held by whoever writes a row, so that a write and what the observer reads before and after it are one.
	writing sync.Mutex
	faults  databaseFaults
	flows   sync.WaitGroup
	lives   sync.WaitGroup
	closing chan struct{}
	// forgotten says that an operator made the controllers forget their engines.
	forgotten bool

	mu         sync.Mutex // of what follows; nothing else is done while it is held
	sequence   int64
	changes    map[string]change
	sessions   []*session
	made       int
	numbered   int
	meant      map[string]string
	history    []string
	violations []string
	actors     map[string]*process // who asked for an effect on a container last
	took       int                 // steps that were taken
	logs       []string
	meddling   meddling
	// unwanted is when a container lost a row that wanted it, older what was there when a session last began to live.
	unwanted map[string]time.Time
	older    map[string]map[string]bool
	// emptied is the sequence of the change before the one that emptied the table, which empty says that it is.
	emptied int64
	empty   bool
	done    map[string]int // what controllers said they did, by action and reason
}

// node is an engine and who serves it.
type node struct {
	disasters

	name     string
	engine   *engine.Engine
	stranger *engine.Engine
	replicas []*replica
	// away is held while the engine is away: of two outages at once, the first to end would end the other.
	away chan struct{}

	// behind is told of every call, before and after it; world.mu guards it.
	behind func(engine.Call)

	mu sync.Mutex
	// swapped says that another engine answers, mixed that it answers on every other connection.
	swapped, mixed bool
	dialled        int
	// listsFail says that the engine fails to list the containers of one session.
	listsFail atomic.Bool
	// pause is an operator's, of this node's controllers.
	pause sessiondb.Pause
	// forgotten says that the database is as it was before the pause.
	forgotten bool
	// skewed says that the engine's clock was set.
	skewed bool
	// clockDoubt is until when the waits of a controller may be shorter than their graces because the engine's clock was
	// set, and eventDoubt until when a stop may be taken for a crash because the events that tell them apart were lost.
	clockDoubt, eventDoubt time.Time
	// eventsLost is until when containers may have come and gone of which no event told.
	eventsLost time.Time
}

// session is what the server knows of one of its sessions.
type session struct {
	id   string
	node *node
	// made is the container that the server made last for it, by full id.
	made atomic.Pointer[string]
	// suffers says that the server broke the contract for it.
	suffers atomic.Bool
	// odd says the same of a claim that means nothing, until it claims something else.
	odd           atomic.Bool
	deleted, busy atomic.Bool
}

// container is the one that the server made last for the session, "" where it made none.
func (s *session) container() string {
	if id := s.made.Load(); id != nil {
		return *id
	}
	return ""
}

// build makes the world of a run: engines, database and controllers.
func build(t *testing.T, s setup, dir string) *world {
	t.Helper()
	w := &world{
		setup: s, t: t, ctx: t.Context(), began: time.Now(), path: filepath.Join(dir, "sessions.db"),
		closing: make(chan struct{}), changes: map[string]change{}, meant: map[string]string{},
		done: map[string]int{}, unwanted: map[string]time.Time{}, older: map[string]map[string]bool{},
	}
	db, err := sql.Open("sqlite", w.path+"?_pragma=busy_timeout(5000)&_pragma=synchronous(off)&_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	w.db = db
	kind := "text"
	if s.numbers {
		kind = "integer"
	}
	if _, err := db.ExecContext(w.ctx, "CREATE TABLE sessions (id "+kind+" PRIMARY KEY NOT NULL, status text NOT NULL, "+
		"container_id text, node text, created_at integer NOT NULL); CREATE INDEX claims ON sessions (container_id)",
	); err != nil {
		t.Fatal(err)
	}
	for i := range s.engines {
		n := &node{name: fmt.Sprintf("node%d", i+1), away: make(chan struct{}, 1)}
		n.engine, n.stranger = engine.New("ENGINE-"+n.name), engine.New("STRANGER-"+n.name)
		for _, e := range []*engine.Engine{n.engine, n.stranger} {
			e.ExecCommand("/probe --token=" + secret)
		}
		w.nodes = append(w.nodes, n)
		w.watch(n, n.engine, false)
		w.watch(n, n.stranger, true)
		for j := range s.replicas {
			w.startReplica(n, j, false)
		}
		if s.rehearsed {
			w.startReplica(n, s.replicas, true)
		}
	}
	return w
}

// tear ends what is left of the world.
func (w *world) tear() {
	close(w.closing)
	for _, n := range w.nodes {
		for _, r := range n.replicas {
			r.end(false)
		}
	}
	w.flows.Wait()
	w.lives.Wait()
	settle := time.NewTimer(time.Minute) // an engine goes on with what it was asked for
	<-settle.C
	if err := w.db.Close(); err != nil {
		w.t.Error(err)
	}
}

// now is the time since the run began.
func (w *world) now() time.Duration { return time.Since(w.began) }

// sayf adds to the history.
func (w *world) sayf(format string, args ...any) {
	line := fmt.Sprintf("%10.3fs  ", w.now().Seconds()) + fmt.Sprintf(format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.history = append(w.history, shorten(line))
}

// shorten makes ids readable.
func shorten(s string) string {
	fields := strings.FieldsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
	for _, f := range fields {
		if len(f) == 64 {
			s = strings.ReplaceAll(s, f, f[:8])
		}
	}
	return s
}

// accusef notes that a promise was broken.
func (w *world) accusef(promise, format string, args ...any) {
	text := promise + ": " + fmt.Sprintf(format, args...)
	w.sayf("!!! %s", text)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.violations = append(w.violations, shorten(text))
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.closing:
	}
}

// beside does something that takes time while the steps go on.
func (w *world) beside(do func()) { w.flows.Go(do) }

// scratch is a directory in memory where there is one: the runs write much and keep nothing.
func scratch(t testing.TB) string {
	t.Helper()
	base := ""
	if _, err := os.Stat("/dev/shm"); err == nil {
		base = "/dev/shm"
	}
	dir, err := os.MkdirTemp(base, "sim-") //nolint:usetesting // in memory
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

package sim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// process is one life of a controller.
type process struct {
	*replica

	cancel context.CancelFunc
	mu     sync.Mutex
	dead   bool
	reads  map[string]mark
	looks  map[string]time.Time
	calls  map[string]effectCall
	// hadRows is when it was told last that the table has rows.
	hadRows mark
	told    atomic.Int64 // the pause.Made that it was told of last
	seen    string       // the session whose label the container carries that was looked at last
}

// mark is when something was read.
type mark struct {
	at       time.Time
	sequence int64
}

// effectCall is an effect on a container that was asked for, and when each row had last been read before.
type effectCall struct {
	at    time.Time
	reads map[string]mark
}

var errDead = errors.New("the process is dead")

// database is the configuration of a node's rows.
func (w *world) database(n *node) sessiondb.Config {
	cfg := sessiondb.DefaultConfig()
	cfg.URL = "file:" + w.path
	if w.engines > 1 {
		cfg.Node, cfg.Columns.Node = n.name, "node"
	}
	if w.numbers {
		cfg.Columns.CreatedAt, cfg.TimeFormat = "created_at", sessiondb.TimeFormatUnixMilli
	}
	return cfg
}

// policy is the default one, but for what the run says.
func (w *world) policy() controllers.Policy {
	p := controllers.DefaultPolicy()
	if w.touchy {
		p.Breaker.MinSessions = 2
	}
	p.RemovalDelay.Duration = w.removalDelay()
	if w.tails {
		p.KeepLogs = tail
	}
	switch {
	case w.all:
		p.RemoveLeaked = controllers.RemoveAll
	case w.none:
		p.RemoveLeaked = controllers.RemoveNone
	}
	return p
}

func (p *process) run(
	ctx context.Context, store *sessiondb.Store, engine *dockerwatch.Engine, ledger *sessiondb.Ledger,
) error {
	w := p.w
	own := dockerwatch.DefaultOwnership()
	own.Installation, own.Claimed, own.Exclusive = installation, w.claimed, w.exclusive
	registry := prometheus.NewRegistry()
	figures, err := controllers.NewMetrics(registry, nil)
	if err != nil {
		return err
	}
	defer w.noSecretIn(p.name, registry)
	tap := &tappedStore{Store: store, process: p}
	o := controllers.Options{
		Store: tap, Changes: tap, Engine: &tappedEngine{Engine: engine, process: p},
		Records: &tappedLedger{Ledger: ledger, process: p}, Pauses: pauses{p}, Ownership: own, Policy: w.policy(),
		ResyncPeriod: resync, PollInterval: 2 * time.Second, Workers: 4,
		Replica: w.lease && w.replicas > 1 && !p.rehearses, DryRun: p.rehearses, Metrics: figures,
		Log: funcr.NewJSON(func(line string) { w.logged(p.name, line) }, funcr.Options{Verbosity: 1}),
	}
	var lock resourcelock.Interface
	if o.Replica {
		lock = &tappedLease{ledger.Lease(p.node.name, fmt.Sprintf("%s at %s", p.name, w.now())), p}
	}
	graceful := 8 * time.Second
	mgr, err := manager.New(&rest.Config{}, manager.Options{
		LeaderElection: lock != nil, LeaderElectionResourceLockInterface: lock, LeaderElectionReleaseOnCancel: true,
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
			return meta.NewDefaultRESTMapper(nil), nil
		},
		Metrics: server.Options{BindAddress: "0"}, HealthProbeBindAddress: "0", GracefulShutdownTimeout: &graceful,
	})
	if err != nil {
		return err
	}
	if err := controllers.New(o, engine).SetupWithManager(mgr); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// logged keeps what a controller logs: it goes to the history, and no secret may be in it.
func (w *world) logged(name, line string) {
	if strings.Contains(line, secret) {
		w.accusef("S7", "controller %s logs a secret: %s", name, line)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := told.FindStringSubmatch(line); m != nil {
		w.done[m[1]+" "+m[2]]++
	}
	w.logs = append(w.logs, fmt.Sprintf("%10.3fs  log %s: %s", time.Since(w.began).Seconds(), name, shorten(line)))
}

// told finds what a line says was done, and why.
var told = regexp.MustCompile(`"action":"([a-z+-]+)","reason":"([A-Za-z]+)"`)

// noSecretIn looks through what a controller has counted.
func (w *world) noSecretIn(name string, registry *prometheus.Registry) {
	families, err := registry.Gather()
	if err != nil {
		w.t.Errorf("gather the metrics of controller %s: %v", name, err)
	}
	for _, f := range families {
		if strings.Contains(f.String(), secret) {
			w.accusef("S7", "a metric of controller %s holds a secret: %s", name, f)
		}
	}
}

func (p *process) die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// effect is around everything that changes something: a controller that is dead does nothing any more, and one that is
// to die does so here.
func (p *process) effect(what string, do func() error) error {
	if p.isDead() {
		return errDead
	}
	if p.rehearses {
		p.w.accusef("S6", "controller %s, which may do nothing, asked for %s", p.name, what)
	}
	p.replica.mu.Lock()
	dies, after := false, p.diesAfter
	if p.dies > 0 {
		p.dies--
		dies = p.dies == 0
	}
	p.replica.mu.Unlock()
	if dies && !after {
		p.w.sayf("controller %s: dies before it does %s", p.name, what)
		p.die()
		p.cancel()
		return errDead
	}
	err := do()
	if dies {
		p.w.sayf("controller %s: dies after it has done %s (%v)", p.name, what, err)
		p.die()
		p.cancel()
		return errDead
	}
	if p.isDead() {
		return errDead
	}
	return err
}

package sim

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// resync is the controllers' period between two sweeps.
const resync = time.Minute

// replica is a place where a controller runs: a supervisor that starts it again.
type replica struct {
	w    *world
	node *node
	name string
	dial dialer
	// rehearses says that it runs dry.
	rehearses bool

	mu      sync.Mutex
	process *process
	back    time.Duration // how long until the next start
	// dies counts the effects until the controller dies; 0 means that it does not.
	dies      int
	diesAfter bool
}

// startReplica runs a controller for ever. One that rehearses does so beside the others.
func (w *world) startReplica(n *node, i int, rehearses bool) {
	r := &replica{w: w, node: n, name: fmt.Sprintf("%s/%d", n.name, i+1), rehearses: rehearses}
	n.replicas = append(n.replicas, r)
	ctx, cancel := context.WithCancel(context.Background())
	own, ownServed := n.engine.Pipes(ctx)
	other, otherServed := n.stranger.Pipes(ctx)
	r.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		n.mu.Lock()
		dial := own
		if n.dialled++; n.swapped || n.mixed && n.dialled%2 == 0 {
			dial = other
		}
		n.mu.Unlock()
		return dial(ctx, network, address)
	}
	w.lives.Go(func() {
		defer func() {
			cancel()
			ownServed()
			otherServed()
		}()
		for {
			if err := r.live(); err != nil {
				w.sayf("controller %s: ended: %v", r.name, err)
				if strings.Contains(err.Error(), secret) {
					w.accusef("S7", "controller %s ends with a secret: %v", r.name, err)
				}
			}
			select {
			case <-w.closing:
				return
			default:
			}
			r.mu.Lock()
			wait := r.back
			r.back = 2 * time.Second
			r.mu.Unlock()
			w.pass(wait)
		}
	})
}

// live is one life of the controller, from its start to its end.
func (r *replica) live() error {
	select {
	case <-r.w.closing:
		return nil
	default:
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := &process{
		replica: r, cancel: cancel, reads: map[string]mark{}, looks: map[string]time.Time{}, calls: map[string]effectCall{},
	}
	r.mu.Lock()
	r.process = p
	r.mu.Unlock()
	select { // whoever closed the world before this may not have seen the process
	case <-r.w.closing:
		return nil
	default:
	}

	if err := r.w.faults.call(ctx, "open"); err != nil {
		return err
	}
	engine, err := dockerwatch.New(dockerwatch.Config{
		Host: "unix:///pipe", Dial: r.dial, Getenv: func(string) string { return "" },
	})
	if err != nil {
		return err
	}
	defer func() { _ = engine.Close() }()
	store, err := sessiondb.Open(ctx, r.w.database(r.node))
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	ledger, err := store.OpenLedger(ctx, !r.rehearses)
	if err != nil {
		return err
	}
	defer func() { _ = ledger.Close() }()
	return p.run(ctx, store, engine, ledger)
}

// end ends the controller that runs now: as a crash, after which nothing that it has begun goes on, or as SIGTERM.
func (r *replica) end(crash bool) {
	r.mu.Lock()
	p := r.process
	r.mu.Unlock()
	if p == nil {
		return
	}
	if crash {
		p.die()
	}
	p.cancel()
}

func (r *replica) restartAfter(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.back = d
}

// arm makes the controller die at one of its next effects, before or after it happens.
func (r *replica) arm(effects int, after bool, back time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dies, r.diesAfter, r.back = effects, after, back
}

func (r *replica) disarm() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dies = 0
}

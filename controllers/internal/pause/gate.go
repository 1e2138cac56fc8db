package pause

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/internal/batch"
	"github.com/session-controller/session-controller/internal/wait"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// ErrPaused says that an operator has paused the controller: nothing is changed until the pause ends.
var ErrPaused = errors.New("the controller is paused")

// Records is where an operator's pause is kept. [sessiondb.Ledger] is one.
type Records interface {
	// Paused returns the last pause, which may be over; the zero value where there is no record of one,
	// [sessiondb.ErrNoLedger] where none can be kept, and [sessiondb.ErrLedgerDenied] where one cannot be read any more.
	Paused(ctx context.Context) (sessiondb.Pause, error)
}

const (
	// readEvery is the time between two reads of the pause: a running controller obeys within it.
	readEvery = 2 * time.Second
	// maxAge is how old what is known of a pause may be when an effect is about to be carried out.
	maxAge = 2 * readEvery
)

// Gate stands before every effect: while an operator's pause lasts none is carried out, and all looks go on. What
// is known of the pause is read again and again, as no effect may wait for a query of its own. It is safe for
// concurrent use.
type Gate struct {
	records Records // nil: there are no pauses
	metrics *metrics.Metrics
	log     logr.Logger
	// requests is asked for a sweep when a pause has ended.
	requests *requests.Requests
	// reads are made one after another, as one that began earlier must not end later, and are shared: where the database
	// hangs, no caller waits for the reads of all others.
	reads *batch.Batcher[struct{}, struct{}]

	mu    sync.Mutex
	last  seen
	known time.Time // when the read of it began; zero: never
	// underway is how many effects were let through and are not done.
	underway int
}

// seen is what is known of a pause; the zero value is that there is none.
type seen struct {
	sessiondb.Pause

	// lost says that the pause is known from before, and that its record is gone; lostTo is what stood in its place when
	// that was found, by its Made.
	lost   bool
	lostTo int64
	// ledgerErr is why no pause can be kept, an ErrNoLedger, where none can.
	ledgerErr error
}

// New returns a gate over records; if nil, there are no pauses. m may be nil. r is asked for a sweep when a pause has
// ended.
func New(records Records, m *metrics.Metrics, r *requests.Requests, log logr.Logger) *Gate {
	g := &Gate{records: records, metrics: m, requests: r, log: log}
	g.reads = batch.New(1, 0, g.readTogether)
	return g
}

// Enter returns nil where an effect may be carried out, and release is called when that is done; else an ErrPaused that
// says until when and why not, or the error of the database where that cannot be known.
func (g *Gate) Enter(ctx context.Context) (release func(), err error) {
	g.count(1) // first: a reader that sees a pause and no effect under way can rely on both
	if err := g.Check(ctx); err != nil {
		g.count(-1)
		return nil, err
	}
	return func() { g.count(-1) }, nil
}

// Check is enter for a caller that carries out nothing.
func (g *Gate) Check(ctx context.Context) error {
	if g.records == nil {
		return nil
	}
	g.mu.Lock()
	over := !g.last.Until.IsZero() && !g.last.Active() // and it may have been made longer
	old := over || time.Since(g.known) > maxAge
	g.mu.Unlock()
	if old {
		if err := g.read(ctx); err != nil {
			return err
		}
	}
	if p := g.Current(); p.Active() {
		return pausedError(p)
	}
	return nil
}

func (g *Gate) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.underway += n
}

// Acting is how many effects are being carried out.
func (g *Gate) Acting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.underway
}

// Asked returns the pause as it is written down now; it may be over.
func (g *Gate) Asked(ctx context.Context) (sessiondb.Pause, error) {
	if g.records == nil {
		return sessiondb.Pause{}, nil
	}
	return g.records.Paused(ctx)
}

func pausedError(p sessiondb.Pause) error {
	return fmt.Errorf("%w until %s by %s (%s); `session-controller resume` ends that", ErrPaused,
		p.Until.UTC().Format(time.RFC3339), p.By, p.Reason)
}

// Current is the pause as it was read last; the zero value where there was none.
func (g *Gate) Current() sessiondb.Pause {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last.Pause
}

// read reads the pause. Where that fails what was known stays: a database that is away lets nothing be done anyway.
func (g *Gate) read(ctx context.Context) error {
	_, err := g.reads.Do(ctx, struct{}{})
	return err
}

// readTogether makes one read for several who need one.
func (g *Gate) readTogether(ctx context.Context, asked []struct{}) []batch.Answer[struct{}] {
	return slices.Repeat([]batch.Answer[struct{}]{{Err: g.readOnce(ctx)}}, len(asked))
}

func (g *Gate) readOnce(ctx context.Context) error {
	began := time.Now()
	now, err := g.records.Paused(ctx)
	if err != nil && (!errors.Is(err, sessiondb.ErrNoLedger) || errors.Is(err, sessiondb.ErrLedgerDenied)) {
		return err // where a pause may be written down that cannot be read nothing is done
	}
	was, is := g.take(seen{Pause: now, ledgerErr: err}, began)
	g.metrics.Pause(is.Until)
	g.tell(was, is)
	return nil
}

// take remembers what a read found, and returns what was known before and what is known now.
func (g *Gate) take(found seen, began time.Time) (was, is seen) {
	g.mu.Lock()
	defer g.mu.Unlock()
	was, is.ledgerErr = g.last, found.ledgerErr
	switch {
	case found.Active():
		is.Pause = found.Pause
	case !was.Active(), !was.lost && found.Made >= was.Made: // it is over, or a later one is
	case !was.lost: // the record is of an earlier one, or there is none: the database was restored
		is.Pause, is.lost, is.lostTo = was.Pause, true, found.Made
	case found.Made == was.lostTo:
		is.Pause, is.lost, is.lostTo = was.Pause, true, was.lostTo
	}
	g.last, g.known = is, began
	return was, is
}

// tell logs what has changed.
func (g *Gate) tell(was, is seen) {
	until := is.Until.UTC().Format(time.RFC3339)
	if is.ledgerErr != nil && was.ledgerErr == nil {
		g.log.Error(is.ledgerErr, "Pause record unreadable, a pause would not be obeyed")
	}
	switch {
	case is.lost && !was.lost:
		g.log.Info("Pause record lost, as after the restoration of a backup, staying paused: "+
			"`session-controller resume` ends it", "until", until, "by", is.By, "why", is.Reason)
	case is.Active() && (was.By != is.By || was.Reason != is.Reason || !sameMoment(was.Until, is.Until)):
		g.log.Info("Paused, changing nothing until the pause ends", "until", until, "by", is.By, "why", is.Reason)
	case !is.Active() && !was.Until.IsZero():
		g.log.Info("Resumed, requesting a sweep")
		g.requests.Sweep()
	}
}

// sameMoment reports whether two ends are one: each read has an error of its own of some milliseconds.
func sameMoment(a, b time.Time) bool { return a.Sub(b).Abs() < time.Second }

// Run keeps what is known of the pause fresh until ctx ends; a read may still be under way then.
func (g *Gate) Run(ctx context.Context) error {
	if g.records == nil {
		return nil
	}
	for ctx.Err() == nil {
		if err := g.read(ctx); err != nil && ctx.Err() == nil {
			g.log.V(1).Info("Reading the pause failed, keeping the last known one", "error", err.Error())
			if p := g.Current(); !p.Active() { // the pause that is known may have ended meanwhile
				g.metrics.Pause(time.Time{})
			}
		}
		next := readEvery
		if p := g.Current(); p.Active() {
			next = min(next, time.Until(p.Until))
		}
		wait.For(ctx, max(next, time.Millisecond), nil)
	}
	return nil
}

// Settle returns when ctx has ended and no read is under way any more.
func (g *Gate) Settle(ctx context.Context) error {
	<-ctx.Done()
	g.reads.Wait()
	return nil
}

// Wait returns when no read is under way that several shared, and that went on when all of them gave up.
func (g *Gate) Wait() { g.reads.Wait() }

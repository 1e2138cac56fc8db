package sessiondb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/lib/pq"
)

func (p *postgres) channel(ctx context.Context, s *Store) (string, error) {
	deadline, cancel := context.WithTimeout(ctx, p.timing.Read)
	defer cancel()
	t, err := p.trigger(deadline, s.read, s.table)
	if err != nil || !t.hears(s.config) {
		return "", err
	}
	return t.Channel, nil
}

// listen holds one connection. pq.Listener would reconnect by itself, but sleeps between its tries whether or not
// it is being waited for: here its first failure closes it, and Changes waits.
func (p *postgres) listen(
	ctx context.Context, s *Store, channel string, ready func(), received func(id string),
) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	listener := p.listener(ctx, cancel)
	var pinging sync.WaitGroup
	defer func() {
		// With the context the connection is closed, and with that the listener comes to its end.
		cancel(nil)
		_ = listener.Close()
		pinging.Wait()
		for range listener.Notify { // until it is closed: then its goroutine has ended
			continue
		}
	}()
	// A Listen that waits for a connection goes on waiting until the listener is closed, whatever became of ctx.
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	echo := "session_controller_echo_" + strings.ToLower(rand.Text())
	for _, name := range []string{channel, echo} {
		if err := listener.Listen(name); err != nil {
			return cause(ctx, err)
		}
	}
	deadline, stop := context.WithTimeout(ctx, p.timing.Echo)
	defer stop()
	if _, err := s.write.ExecContext(deadline, `SELECT pg_catalog.pg_notify($1, '')`, echo); err != nil {
		return fmt.Errorf("send the first notification: %w", err)
	}
	pinging.Go(func() { cancel(p.keep(ctx, s, channel, listener)) })
	silence := deadline.Done()
	for {
		select {
		case <-ctx.Done():
			return cause(ctx, nil)
		case <-silence:
			if ctx.Err() != nil {
				return cause(ctx, nil)
			}
			return ErrNotDelivered
		case n, ok := <-listener.Notify:
			switch {
			case !ok || n == nil:
				return cause(ctx, errConnectionLost)
			case n.Channel == echo:
				silence = nil // it can hear
				ready()
			default:
				received(n.Extra)
			}
		}
	}
}

var errConnectionLost = fmt.Errorf("%w: the listening connection was lost", ErrUnreachable)

// cause is why a listener ended; a caller's own cancellation is none.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil && !errors.Is(why, context.Canceled) {
		return why //nolint:wrapcheck // one of our own
	}
	return err
}

func (p *postgres) listener(ctx context.Context, fail context.CancelCauseFunc) *pq.Listener {
	failed := func(event pq.ListenerEventType, err error) {
		switch event {
		case pq.ListenerEventDisconnected, pq.ListenerEventConnectionAttemptFailed:
			if known := p.explainConnectError(err); known != nil {
				err = known
			}
			if err == nil {
				err = errConnectionLost
			}
			fail(err)
		case pq.ListenerEventConnected, pq.ListenerEventReconnected:
		}
	}
	// The waits are the shortest that it takes: with the context done, the next try fails at once and is the last.
	d := dialer{limit: p.timing.listen(), until: ctx}
	return pq.NewDialListener(d, p.dsn, time.Millisecond, time.Millisecond, failed)
}

// keep asks for a sign of life and for the trigger. It runs beside the notifications: a listener that waits for the
// answer to a ping takes no more than 64 of them.
func (p *postgres) keep(ctx context.Context, s *Store, channel string, listener *pq.Listener) error {
	tick := time.NewTicker(p.timing.Ping)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := listener.Ping(); err != nil {
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		now, err := p.channel(ctx, s)
		switch {
		case err != nil:
			return err
		case now != channel:
			return errNoTrigger
		}
	}
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// front is where the engine is served: the connections that are open, so that an outage can break them.
type front struct {
	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	refuses bool
}

func (f *front) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuses = true
	for c := range f.conns {
		_ = c.Close()
	}
	clear(f.conns)
}

func (f *front) open() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuses = false
}

func (f *front) changed(c net.Conn, s http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conns == nil {
		f.conns = map[net.Conn]struct{}{}
	}
	switch s {
	case http.StateNew:
		if f.conns[c] = struct{}{}; f.refuses {
			_ = c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		delete(f.conns, c)
	case http.StateActive, http.StateIdle:
	}
}

// Listen serves the engine on a Unix socket until ctx ends, and returns a function that waits for the end.
func (e *Engine) Listen(ctx context.Context, socket string) (wait func(), err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("serve the test engine: %w", err)
	}
	return e.serve(ctx, refusing{listener, e}), nil
}

// Pipes serves the engine in memory until ctx ends. It returns what dials it and a function that waits for the end.
func (e *Engine) Pipes(
	ctx context.Context,
) (dial func(context.Context, string, string) (net.Conn, error), wait func()) {
	p := &pipes{engine: e, conns: make(chan net.Conn), closed: make(chan struct{})}
	return p.dial, e.serve(ctx, p)
}

// serve runs an HTTP server until ctx ends.
func (e *Engine) serve(ctx context.Context, l net.Listener) (wait func()) {
	//nolint:gosec // nobody attacks a test's engine, and some of its callers are meant to wait
	server := &http.Server{Handler: e, ConnState: e.front.changed}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	return func() {
		<-done
		stop()
	}
}

// refusing closes what connects while the engine is away.
type refusing struct {
	net.Listener

	engine *Engine
}

// Accept returns the next connection that the engine takes.
func (r refusing) Accept() (net.Conn, error) {
	for {
		conn, err := r.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if r.engine.serving() {
			return conn, nil
		}
		_ = conn.Close()
	}
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	engine *Engine
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if !p.engine.serving() {
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: syscall.ECONNREFUSED}
	}
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
	case <-ctx.Done():
	}
	return nil, errors.Join(ctx.Err(), ours.Close(), theirs.Close(), net.ErrClosed)
}

// Accept returns the next connection.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr is of no use, but a listener has one.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// Populate makes so many running containers at once, without an event, and returns their ids.
func (e *Engine) Populate(n int, spec func(i int) Spec) []string {
	e.mu.Lock()
	e.silent = true
	e.mu.Unlock()
	ids := make([]string, 0, n)
	for i := range n {
		if id, err := e.Run(spec(i)); err == nil {
			ids = append(ids, id)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.silent = false
	return ids
}

// Age makes a container older than it is.
func (e *Engine) Age(ref string, d time.Duration) error {
	return e.with(ref, func(c *container) error {
		e.displace(c)
		c.Created = c.Created.Add(-d)
		e.place(c)
		return nil
	})
}

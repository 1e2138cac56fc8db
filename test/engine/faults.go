package engine

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"slices"
	"time"
)

// Op names a call of the API.
type Op string

// The calls that can be troubled.
const (
	OpPing    Op = "ping"
	OpInfo    Op = "info"
	OpList    Op = "list"
	OpInspect Op = "inspect"
	OpEvents  Op = "events"
	OpLogs    Op = "logs"
	OpCreate  Op = "create"
	OpStart   Op = "start"
	OpStop    Op = "stop"
	OpKill    Op = "kill"
	OpRemove  Op = "remove"
	OpOther   Op = "other"
)

// Kind is a way in which a call can go wrong.
type Kind string

// The kinds.
const (
	// Slow answers after Trouble.Delay.
	Slow Kind = "slow"
	// Hang never answers.
	Hang Kind = "hang"
	// Stall answers as usual when it is healed, and not before: an engine whose process is stopped in its tracks. A call
	// whose caller has given up by then is forgotten, unless the trouble is Late.
	Stall Kind = "stall"
	// Refuse closes the connection without an answer.
	Refuse Kind = "refuse"
	// Fail answers 500 as the engine does.
	Fail Kind = "fail"
	// Stranger answers 404 with a page, as a proxy does.
	Stranger Kind = "stranger"
	// NotFound answers 404 in the engine's form, but not for a container.
	NotFound Kind = "notfound"
	// Cut answers the first half of the body and closes the connection.
	Cut Kind = "cut"
)

// Trouble is something that goes wrong with calls.
type Trouble struct {
	Kind Kind
	// Op is the call concerned and Container the full id; empty means any.
	Op        Op
	Container string
	// After lets the call take effect before its answer is lost.
	After bool
	Delay time.Duration
	// Late lets a call that was stalled take effect when it is healed, even where its caller has given up.
	Late bool
	// Page is what a Stranger answers; empty means a short page.
	Page string
	// Times is how many calls it concerns; 0 means all, until it is healed.
	Times int

	// healed is closed when it is; spent means that it concerns no more calls, but has one that waits for it to be healed.
	healed chan struct{}
	spent  bool
}

// Call is a call that came in.
type Call struct {
	Op Op
	// Ref is the container as the caller names it; empty where the call is not about one.
	Ref string
	// Done is false before the call takes effect and true when it has, before it is answered.
	Done bool
}

// Add makes something go wrong from now on, and returns what ends it.
func (e *Engine) Add(t Trouble) (heal func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	trouble := &t
	trouble.healed, trouble.spent = make(chan struct{}), false
	e.troubles = append(e.troubles, trouble)
	return func() { e.heal(func(o *Trouble) bool { return o == trouble }) }
}

// Heal ends all troubles.
func (e *Engine) Heal() { e.heal(func(*Trouble) bool { return true }) }

// heal ends those troubles that are meant.
func (e *Engine) heal(meant func(*Trouble) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.troubles = slices.DeleteFunc(e.troubles, func(t *Trouble) bool {
		if !meant(t) {
			return false
		}
		close(t.healed)
		return true
	})
}

// Watch makes the engine tell of every call, before and after it. watch may call the engine: what it does happens
// between two calls of the client.
func (e *Engine) Watch(watch func(Call)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watcher = watch
}

func (e *Engine) tell(c Call) {
	e.mu.Lock()
	watch := e.watcher
	e.mu.Unlock()
	if watch != nil {
		watch(c)
	}
}

// trouble is the first that concerns a call.
func (e *Engine) trouble(op Op, ref string) (Trouble, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := ref
	if c, err := e.find(ref); ref != "" && err == nil {
		id = c.ID
	}
	for i, t := range e.troubles {
		if t.spent || t.Op != "" && t.Op != op || t.Container != "" && t.Container != id {
			continue
		}
		found := *t
		switch {
		case t.Times > 1:
			t.Times--
		case t.Times == 1 && t.Kind == Stall:
			t.spent = true // it is still to be healed
		case t.Times == 1:
			e.troubles = slices.Delete(e.troubles, i, i+1)
		}
		return found, true
	}
	return Trouble{}, false
}

// troubled answers a call as its trouble, if there is one, wants it.
func (e *Engine) troubled(op Op, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ref := r.PathValue("ref")
		e.tell(Call{Op: op, Ref: ref})
		t, found := e.trouble(op, ref)
		if !found {
			next(w, r)
			e.tell(Call{Op: op, Ref: ref, Done: true})
			return
		}
		answer := &held{header: http.Header{}, status: http.StatusOK}
		if t.After || t.Kind == Cut && op != OpEvents {
			next(answer, r)
			e.tell(Call{Op: op, Ref: ref, Done: true})
		}
		switch t.Kind {
		case Slow, Stall:
			if !t.passes(r.Context()) {
				return
			}
			if t.After {
				answer.send(w)
			} else {
				next(w, r)
				e.tell(Call{Op: op, Ref: ref, Done: true})
			}
		case Hang:
			<-r.Context().Done()
		case Refuse:
			panic(http.ErrAbortHandler)
		case Fail:
			fail(w, http.StatusInternalServerError, "the engine is not well")
		case Stranger:
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, cmp.Or(t.Page, "<html><body>404 Not Found</body></html>"))
		case NotFound:
			fail(w, http.StatusNotFound, "page not found")
		case Cut:
			answer.cut(w)
		}
	}
}

// passes waits until a slow or a stalled call may go on; it reports whether it may.
func (t *Trouble) passes(ctx context.Context) bool {
	switch {
	case t.Kind == Slow:
		return wait(ctx, t.Delay)
	case t.Late:
		<-t.healed
		return true
	}
	select {
	case <-t.healed:
		return ctx.Err() == nil // where both have come, the caller gave up first: nothing of it is to be done
	case <-ctx.Done():
		return false
	}
}

// hangs waits as long as a container is wedged, or until the caller gives up; it reports whether it may go on.
func (e *Engine) hangs(ctx context.Context, ref string) bool {
	for {
		e.mu.Lock()
		c, err := e.find(ref)
		wedged := err == nil && c.Wedged
		e.mu.Unlock()
		if !wedged {
			return true
		}
		if !wait(ctx, 100*time.Millisecond) {
			return false
		}
	}
}

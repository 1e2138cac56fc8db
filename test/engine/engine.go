package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/docker/docker/api/types/events"
)

// Version is the API version that the engine speaks, that of Docker 20.10.
const Version = "1.41"

// Engine is one engine. The zero value is of no use; see [New]. It is safe for concurrent use.
type Engine struct {
	mu         sync.Mutex
	salt       string // what New was given: it stays when the identity is changed
	id, root   string
	skew       time.Duration
	state      state
	lives      int // how often it has gone: what it was about to do then, it does not do any more
	made       int // containers ever created: the next one's id comes from it
	ticks      int64
	containers map[string]*container
	order      []*container // all of them, oldest first
	names      map[string]*container
	past       map[string]Container // those that are no more

	recent      []events.Message // what the engine remembers (see memory), oldest first
	subscribers []*subscriber
	delivery    func(action, container string) []time.Duration
	frozen      bool
	silent      bool   // nothing that happens is an event
	execCommand string // what health probes run
	probes      int    // how many events they have made

	troubles []*Trouble
	witness  func(Happening)
	watcher  func(Call)
	standIn  *Engine

	front   front
	handler http.Handler
}

// Happening is an effect that the engine is about to have on a container because a client asked for it.
type Happening struct {
	Op        Op
	Container Container
	// Force and Volumes are what a removal was asked with (force and v).
	Force, Volumes bool
	// Grace is what a stop was asked with (t).
	Grace time.Duration
}

// New returns an engine that is up and has no containers. The name makes its identity and its containers' ids its own.
func New(name string) *Engine {
	e := &Engine{
		salt: name, id: name, root: "/var/lib/docker", containers: map[string]*container{},
		names: map[string]*container{}, past: map[string]Container{}, execCommand: "/probe --token=secret",
	}
	e.handler = e.routes()
	return e
}

// Witness makes the engine tell of every stop and removal that a client asks for, at the moment at which it takes
// effect and before it does. witness may look at the engine.
func (e *Engine) Witness(witness func(Happening)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.witness = witness
}

// SetStandIn makes another engine answer the calls that come, on the connections that are open: what is behind a proxy
// has changed. Nil ends it.
func (e *Engine) SetStandIn(other *Engine) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.standIn = other
}

// Now is the engine's clock.
func (e *Engine) Now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now()
}

// SetSkew sets how far the engine's clock is ahead of this machine's.
func (e *Engine) SetSkew(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.skew = d
}

// SetIdentity makes the engine say that it is another one.
func (e *Engine) SetIdentity(id, root string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.id, e.root = id, root
}

// now is the engine's clock. e.mu is held.
func (e *Engine) now() time.Time { return time.Now().Add(e.skew).UTC() }

// tick is now, but never the same twice: a real clock goes on between two things that happen, that of a synctest bubble
// does not. e.mu is held.
func (e *Engine) tick() time.Time {
	e.ticks++
	return e.now().Add(time.Duration(e.ticks))
}

// Create makes a container and returns its id, or an error when its name is taken or the engine is down.
func (e *Engine) Create(s Spec) (id string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == down {
		return "", errDown
	}
	// What New was given and what the engine says of itself: two engines that say the same ID are still not the same.
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d", e.salt, e.id, e.root, e.made))
	e.made++
	id = hex.EncodeToString(sum[:])
	if s.Name == "" {
		s.Name = "some_" + id[:12]
	}
	if other := e.names[s.Name]; other != nil {
		return "", conflictf("Conflict. The container name %q is already in use by container %q. You have to remove (or "+
			"rename) that container to be able to reuse that name.", "/"+s.Name, other.ID)
	}
	c := &container{Container: Container{ID: id, Spec: s, Status: Created, Created: e.tick(), Made: time.Now()}}
	e.containers[id], e.names[s.Name] = c, c
	e.place(c)
	e.emit(c, "create", nil)
	return id, nil
}

// Run is Create and Start.
func (e *Engine) Run(s Spec) (id string, err error) {
	if id, err = e.Create(s); err != nil {
		return "", err
	}
	return id, e.Start(id)
}

// Rename gives a container another name.
func (e *Engine) Rename(ref, name string) error {
	return e.asked(ref, func(c *container) error {
		if other := e.names[name]; other != nil {
			return conflictf("Error when allocating new name: Conflict. The container name %q is already in use by "+
				"container %q. You have to remove (or rename) that container to be able to reuse that name.", "/"+name, other.ID)
		}
		delete(e.names, c.Name)
		old := c.Name
		c.Name, e.names[name] = name, c
		e.emit(c, "rename", map[string]string{"oldName": "/" + old})
		return nil
	})
}

// Look returns what a container is now; false when there is none.
func (e *Engine) Look(ref string) (Container, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find(ref)
	if err != nil {
		return Container{}, false
	}
	return c.snapshot(), true
}

// Past returns what a container was when it was removed; false when none with this id ever was.
func (e *Engine) Past(id string) (Container, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, was := e.past[id]
	return c, was
}

// All returns all containers, oldest first.
func (e *Engine) All() []Container {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]Container, 0, len(e.order))
	for _, c := range e.order {
		all = append(all, c.snapshot())
	}
	return all
}

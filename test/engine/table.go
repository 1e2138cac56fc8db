package engine

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
)

// sorted returns the containers, oldest first, in a slice of its own. e.mu is held.
func (e *Engine) sorted() []*container { return slices.Clone(e.order) }

// place puts a container where its age belongs, mostly at the end; displace takes it out. e.mu is held.
func (e *Engine) place(c *container) {
	i, _ := slices.BinarySearchFunc(e.order, c, older)
	e.order = slices.Insert(e.order, i, c)
}

func (e *Engine) displace(c *container) {
	if i, there := slices.BinarySearchFunc(e.order, c, older); there {
		e.order = slices.Delete(e.order, i, i+1)
	}
}

func older(a, b *container) int {
	return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
}

// with finds a container and does something to it.
func (e *Engine) with(ref string, do func(*container) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find(ref)
	if err != nil {
		return err
	}
	return do(c)
}

// asked is with for what a client asks of the engine: one that is down does nothing.
func (e *Engine) asked(ref string, do func(*container) error) error {
	return e.with(ref, func(c *container) error {
		if e.state == down {
			return errDown
		}
		return do(c)
	})
}

// fullID is the length of an id.
const fullID = 2 * sha256.Size

// find looks a container up as a real engine does: by full id, by name, by prefix. e.mu is held.
func (e *Engine) find(ref string) (*container, error) {
	if c := e.containers[ref]; c != nil {
		return c, nil
	}
	if c := e.names[strings.TrimPrefix(ref, "/")]; c != nil {
		return c, nil
	}
	if len(ref) >= fullID || strings.Trim(ref, "0123456789abcdef") != "" { // it is not the beginning of an id
		return nil, notFoundError("No such container: " + ref)
	}
	var found *container
	for id, c := range e.containers {
		if !strings.HasPrefix(id, ref) {
			continue
		}
		if found != nil {
			return nil, errors.New("Multiple IDs found with provided prefix: " + ref)
		}
		found = c
	}
	if found == nil {
		return nil, notFoundError("No such container: " + ref)
	}
	return found, nil
}

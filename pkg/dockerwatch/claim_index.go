package dockerwatch

import "strings"

// Index finds the listed container that a claim means, as the engine would: by its full id, its exact name, or a prefix
// of its id.
type Index struct {
	byID     map[string]*Container
	byName   map[string]*Container
	byPrefix map[string][]*Container
}

// NewIndex returns the index of a list, which must not change from then on.
func NewIndex(list []Container) *Index {
	x := &Index{
		byID:     make(map[string]*Container, len(list)),
		byName:   make(map[string]*Container, len(list)),
		byPrefix: make(map[string][]*Container, len(list)),
	}
	for i := range list {
		c := &list[i]
		x.byID[c.ID] = c
		for _, name := range c.Names {
			x.byName[name] = c
		}
		x.byPrefix[ShortID(c.ID)] = append(x.byPrefix[ShortID(c.ID)], c)
	}
	return x
}

// Has reports whether a container with this full id is listed.
func (x *Index) Has(id string) bool { return x.byID[id] != nil }

// Find returns the container that a claim means, or nil when there is none or more than one.
func (x *Index) Find(claim string) *Container {
	ref := claimed(claim)
	if c := x.byID[ref]; c != nil {
		return c
	}
	if c := x.byName[ref]; c != nil {
		return c
	}
	if len(ref) < shortIDLength {
		return nil
	}
	var found *Container
	for _, c := range x.byPrefix[ShortID(ref)] {
		if strings.HasPrefix(c.ID, ref) {
			if found != nil {
				return nil
			}
			found = c
		}
	}
	return found
}

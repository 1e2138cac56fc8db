package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
)

// session is one that must be well, or that the controller must make well.
type session struct {
	id string
	// claim is what the server saved, in its own form; container is the full id behind it.
	claim, container string
	labelled         bool
	// crowded ones have had a container before, which may still run for a while.
	crowded bool
	// resident ones live as long as the run: nobody ever touches them.
	resident bool
	// entry tells two entries in the books apart that say the same.
	entry int
}

// books are what the session server knows for certain. It is the only one that writes them, and it strikes a session
// out before it does anything to it: what is in them is nobody's to harm. They are safe for concurrent use.
type books struct {
	mu      sync.Mutex
	entries int
	opened  int
	// well are live, and their container runs.
	well map[string]session
	// waiting are live, and their container runs; the server died before it could save that.
	waiting map[string]session
	counts  map[string]int
	harmed  []harmed
	// mishap is the last failure of a call of the server's own.
	mishap error
}

// harmed is a session that had no reason to suffer.
type harmed struct{ id, what string }

func newBooks() *books {
	return &books{well: map[string]session{}, waiting: map[string]session{}, counts: map[string]int{}}
}

// newID returns the id of a session that there never was.
func (b *books) newID() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened++

	return fmt.Sprintf("s%06d", b.opened)
}

// count adds one to a figure of the report.
func (b *books) count(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[what]++
}

// enter notes a session that is well from now on.
func (b *books) enter(s session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries++
	s.entry = b.entries
	b.well[s.id] = s
}

// await notes a session whose container the controller must adopt.
func (b *books) await(s session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries++
	s.entry = b.entries
	b.waiting[s.id] = s
}

// take strikes out a session that fits, whichever, and returns it: from now on it is the caller's.
func (b *books) take(fits func(session) bool) (session, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()

	var found []session

	for _, s := range b.well {
		if !s.resident && fits(s) {
			found = append(found, s)
		}
	}

	if len(found) == 0 {
		return session{}, false
	}

	s := found[rand.IntN(len(found))]
	delete(b.well, s.id)

	return s, true
}

// harm notes that a session was harmed, and strikes it out.
func (b *books) harm(s session, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.well, s.id)
	delete(b.waiting, s.id)
	b.harmed = append(b.harmed, harmed{id: s.id, what: what})
}

// failed notes that a call of the server's own went wrong.
func (b *books) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts["mishaps"]++
	b.mishap = err
}

// pages is a copy of the books.
type pages struct {
	well, waiting map[string]session
	counts        map[string]int
	harmed        []harmed
	mishap        error
}

func (b *books) copied() pages {
	b.mu.Lock()
	defer b.mu.Unlock()

	return pages{
		well: maps.Clone(b.well), waiting: maps.Clone(b.waiting), counts: maps.Clone(b.counts),
		harmed: slices.Clone(b.harmed), mishap: b.mishap,
	}
}

// compare holds a sight against the books as they were before it and still are: what was struck out or entered in the
// meantime is left for the next look.
func (b *books) compare(before pages, seen sight) {
	b.mu.Lock()
	defer b.mu.Unlock()

	for id, s := range before.well {
		if what := seen.harm(s); what != "" && b.well[id] == s {
			delete(b.well, id)
			b.harmed = append(b.harmed, harmed{id: id, what: what})
		}
	}

	for id, s := range before.waiting {
		if b.waiting[id] != s {
			continue
		}

		switch seen.adoption(s) {
		case adoptionPending:
			continue
		case adoptionDone:
			b.counts["adopted"]++
			b.entries++
			s.claim, s.entry = s.container, b.entries
			b.well[id] = s
		case adoptionFailed:
			b.harmed = append(b.harmed, harmed{id: id, what: "its running container was to be adopted, and is lost"})
		}

		delete(b.waiting, id)
	}
}

package main

import (
	"fmt"
	"slices"
	"strings"
)

// row is a row of the sessions table. An empty claim is NULL.
type row struct{ id, status, claim string }

func (r row) live() bool { return r.status == "ACTIVE" || r.status == "IDLE" }

// box is a container as a list shows it.
type box struct{ id, name, state string }

func (b box) running() bool { return b.state == "running" }

// sight is what there is at one moment: the rows, and the containers of this run, running or not.
type sight struct {
	rows  []row
	boxes []box
}

// shortID is the length of the ids that docker prints, and the shortest that stands for a container.
const shortID = 12

// claimed returns the container that a claim means: by its full id, its name or the beginning of its id.
func (s sight) claimed(claim string) (box, bool) {
	i := slices.IndexFunc(s.boxes, func(b box) bool {
		return claim == b.id || claim == b.name || (len(claim) >= shortID && strings.HasPrefix(b.id, claim))
	})
	if i < 0 {
		return box{}, false
	}

	return s.boxes[i], true
}

func (s sight) row(id string) (row, bool) {
	i := slices.IndexFunc(s.rows, func(r row) bool { return r.id == id })
	if i < 0 {
		return row{}, false
	}

	return s.rows[i], true
}

// drift returns a sentence for every row and every container that disagree. This is the whole of what must be true when
// the server is quiet and all graces are over: a live row claims a container that runs, an ended one claims nothing,
// and every container is claimed.
func (s sight) drift() []string {
	var found []string

	wanted := map[string]bool{}

	for _, r := range s.rows {
		b, there := s.claimed(r.claim)
		if there {
			wanted[b.id] = true
		}

		switch {
		case !r.live() && r.claim != "":
			found = append(found, fmt.Sprintf("session %s is %s and claims %s", r.id, r.status, r.claim))
		case !r.live():
		case r.claim == "":
			found = append(found, fmt.Sprintf("session %s is %s and claims nothing", r.id, r.status))
		case !there:
			found = append(found, fmt.Sprintf("session %s is %s and its container %s is gone", r.id, r.status, r.claim))
		case !b.running():
			found = append(found, fmt.Sprintf("session %s is %s and its container %s is %s", r.id, r.status, r.claim, b.state))
		}
	}

	for _, b := range s.boxes {
		if !wanted[b.id] {
			found = append(found, fmt.Sprintf("container %s (%.12s) is claimed by no session", b.name, b.id))
		}
	}

	return found
}

// harm says what is wrong with a session that nobody did anything to, or "" when it is well: its row is live and claims
// what the server saved, and that container runs.
func (s sight) harm(well session) string {
	r, there := s.row(well.id)
	if !there {
		return "its row is gone"
	}

	if !r.live() || r.claim != well.claim {
		return fmt.Sprintf("its row says %s and claims %q, where %q was saved", r.status, r.claim, well.claim)
	}

	b, there := s.claimed(well.container)
	if !there {
		return fmt.Sprintf("its container %.12s is gone", well.container)
	}

	if !b.running() {
		return fmt.Sprintf("its container %.12s is %s", well.container, b.state)
	}

	return ""
}

// adoption is what has become of a session whose running container the controller must find by itself.
type adoption int

const (
	adoptionPending adoption = iota
	adoptionDone
	adoptionFailed
)

func (s sight) adoption(waiting session) adoption {
	r, there := s.row(waiting.id)
	b, runs := s.claimed(waiting.container)

	switch {
	case !there, !r.live(), !runs, !b.running():
		return adoptionFailed
	case r.claim == waiting.container:
		return adoptionDone
	default:
		return adoptionPending
	}
}

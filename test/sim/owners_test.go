package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/session-controller/session-controller/test/engine"
)

// looked is when a process last looked at what a claim means; zero when it never did.
func (p *process) looked(claim string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.looks[claim]
}

func (w *world) lastChange(id string) change {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changes[id]
}

// suffers reports whether the server broke its contract for a session.
func (w *world) suffers(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range slices.Backward(w.sessions) { // an id can be used again
		if s.id == id {
			return s.suffers.Load() || s.odd.Load()
		}
	}
	return false
}

// means reports whether a claim means a container.
func means(claim string, c engine.Container) bool {
	claim = strings.TrimPrefix(claim, "/")
	return claim == c.Name || len(claim) >= 12 && strings.HasPrefix(c.ID, claim)
}

func labelOf(c engine.Container) string { return c.Labels[label] }

// foreignInstallation reports whether a container carries the label of an installation that is not ours.
func foreignInstallation(c engine.Container) bool {
	i := c.Labels["io.session-controller.installation"]
	return i != "" && i != installation
}

// owner is the session that a container is of, or "".
func owner(c engine.Container) string {
	if foreignInstallation(c) {
		return ""
	}
	if o := labelOf(c); o != "" {
		return o
	}
	if rest, ok := strings.CutPrefix(c.Name, prefix); ok {
		return rest
	}
	return ""
}

// labelled reports whether a container is beyond doubt ours, or is taken for it.
func (w *world) labelled(c engine.Container) bool {
	if w.all {
		return owner(c) != ""
	}
	return labelOf(c) != "" && c.Labels["io.session-controller.installation"] == installation
}

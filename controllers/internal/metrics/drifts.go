package metrics

import (
	"slices"
	"sync"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// Drifts knows which disagreements are open, so that each is counted once when it is found and once when it is over,
// however many looks it takes. It grows with the drift and never with the rows. It is safe for concurrent use.
type Drifts struct {
	metrics *Metrics

	mu      sync.Mutex
	open    map[driftKey]verdict.Reason
	looping map[driftKey]bool
}

// driftKey is a key of either controller.
type driftKey struct{ kind, key string }

// NewDrifts returns an empty record whose drifts are counted by metrics, which may be nil.
func NewDrifts(metrics *Metrics) *Drifts {
	return &Drifts{metrics: metrics, open: map[driftKey]verdict.Reason{}, looping: map[driftKey]bool{}}
}

// Judged notes what was decided about a key on looks that succeeded. What a guard holds back is adrift all the same. A
// drift keeps the reason that it was found for: what follows from it is no other one. A container that no row claims is
// adrift when its grace is over: every container is without a claim until its server has saved one.
func (d *Drifts) Judged(kind, key string, v verdict.Verdict) {
	if v.Action == verdict.Retry {
		return // nothing is known
	}
	at := driftKey{kind, key}
	adrift, loops := v.Drift() || v.HeldBack(), v.Reason == verdict.ContainerLooping && v.Action == verdict.Report
	young := kind == verdict.KindContainer && v.Wait > 0
	d.mu.Lock()
	defer d.mu.Unlock()
	was, open := d.open[at]
	switch {
	case adrift && !open && !young:
		d.open[at] = v.Reason
		d.metrics.driftFound(v.Reason)
	case !adrift && open:
		delete(d.open, at)
		d.metrics.driftOver(was)
	}
	if loops != d.looping[at] {
		if delete(d.looping, at); loops {
			d.looping[at] = true
		}
		d.metrics.loops(len(d.looping))
	}
}

// Unclaimed returns the containers that are adrift, for a sweep to take out those that it meets.
func (d *Drifts) Unclaimed() map[verdict.ContainerKey]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	keys := map[verdict.ContainerKey]bool{}
	for at := range d.open {
		if at.kind == verdict.KindContainer {
			keys[verdict.ContainerKey(at.key)] = true
		}
	}
	return keys
}

// Claimed ends the drift of containers that a complete sweep, which began with them, has not met as unclaimed: what is
// held back is looked at for sweeps alone, and after the last one there would be no look any more.
func (d *Drifts) Claimed(keys map[verdict.ContainerKey]bool) {
	for key := range keys {
		d.Judged(verdict.KindContainer, string(key), verdict.Verdict{Action: verdict.Nothing})
	}
}

// Looping returns the sessions whose container keeps being restarted, in order of their ids.
func (d *Drifts) Looping() []verdict.SessionKey {
	d.mu.Lock()
	defer d.mu.Unlock()
	keys := make([]verdict.SessionKey, 0, len(d.looping))
	for at := range d.looping {
		keys = append(keys, verdict.SessionKey(at.key))
	}
	slices.Sort(keys)
	return keys
}

// Open returns how many are open, by reason.
func (d *Drifts) Open() map[verdict.Reason]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := make(map[verdict.Reason]int, len(d.open))
	for _, reason := range d.open {
		counts[reason]++
	}
	return counts
}

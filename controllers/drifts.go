package controllers

import (
	"slices"
	"sync"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// books are what is written down of the passes for those who watch: the drift that is open, and the steps under way.
type books struct {
	drifts *drifts
	pulse  *pulse
}

func newBooks(metrics *Metrics) books { return books{newDrifts(metrics), newPulse()} }

// drifts knows which disagreements are open, so that each is counted once when it is found and once when it is over,
// however many looks it takes. It grows with the drift and never with the rows. It is safe for concurrent use.
type drifts struct {
	metrics *Metrics

	mu      sync.Mutex
	open    map[driftKey]verdict.Reason
	looping map[driftKey]bool
}

// driftKey is a key of either controller.
type driftKey struct{ kind, key string }

func newDrifts(metrics *Metrics) *drifts {
	return &drifts{metrics: metrics, open: map[driftKey]verdict.Reason{}, looping: map[driftKey]bool{}}
}

// judged notes what was decided about a key on looks that succeeded. What a guard holds back is adrift all the same. A
// drift keeps the reason that it was found for: what follows from it is no other one. A container that no row claims is
// adrift when its grace is over: every container is without a claim until its server has saved one.
func (d *drifts) judged(kind, key string, v verdict.Verdict) {
	if v.Action == verdict.Retry {
		return // nothing is known
	}
	at := driftKey{kind, key}
	adrift, loops := v.Drift() || v.HeldBack(), v.Reason == verdict.ContainerLooping && v.Action == verdict.Report
	young := kind == kindContainer && v.Wait > 0
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

// unclaimed returns the containers that are adrift, for a sweep to take out those that it meets.
func (d *drifts) unclaimed() map[verdict.ContainerKey]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	keys := map[verdict.ContainerKey]bool{}
	for at := range d.open {
		if at.kind == kindContainer {
			keys[ContainerKey(at.key)] = true
		}
	}
	return keys
}

// claimed ends the drift of containers that a complete sweep, which began with them, has not met as unclaimed: what is
// held back is looked at for sweeps alone, and after the last one nobody would look again.
func (d *drifts) claimed(keys map[verdict.ContainerKey]bool) {
	for key := range keys {
		d.judged(kindContainer, string(key), verdict.Verdict{Action: verdict.Nothing})
	}
}

// loops returns the sessions whose container keeps being restarted, in order of their ids.
func (d *drifts) loops() []verdict.SessionKey {
	d.mu.Lock()
	defer d.mu.Unlock()
	keys := make([]verdict.SessionKey, 0, len(d.looping))
	for at := range d.looping {
		keys = append(keys, SessionKey(at.key))
	}
	slices.Sort(keys)
	return keys
}

// counts returns how many are open, by reason.
func (d *drifts) counts() map[verdict.Reason]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := make(map[verdict.Reason]int, len(d.open))
	for _, reason := range d.open {
		counts[reason]++
	}
	return counts
}

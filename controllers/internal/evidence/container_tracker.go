package evidence

import (
	"sync"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// ContainerTracker remembers what this process has seen of containers that no row claims, and when: only ever used to
// wait and to log nothing twice. It is safe for concurrent use.
type ContainerTracker struct {
	mu         sync.Mutex
	containers map[verdict.ContainerKey]*containerRecord
}

// containerRecord is what was seen of one container.
type containerRecord struct {
	cause  string
	since  time.Time // when this cause was first seen
	watch  time.Time // since when it has been looked at shortly before the end of its grace; zero: it is not
	logged string    // what was last logged about it
}

// NewContainerTracker returns a tracker that has seen nothing.
func NewContainerTracker() *ContainerTracker {
	return &ContainerTracker{containers: map[verdict.ContainerKey]*containerRecord{}}
}

// past returns for how long a container has been in sight in this condition, and for how long it has been watched in
// it; zero where it has not.
func (t *ContainerTracker) past(key verdict.ContainerKey, cause string) (causeFor, watchedFor time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.containers[key]
	if s == nil || s.cause != cause {
		return 0, 0
	}
	if !s.watch.IsZero() {
		watchedFor = time.Since(s.watch)
	}
	return time.Since(s.since), watchedFor
}

// Record notes what a look saw. A container is watched shortly before the end of leakGrace, and neither while its looks
// fail nor while the table is empty. One that is gone, claimed or not ours is forgotten.
func (t *ContainerTracker) Record(key verdict.ContainerKey, f verdict.ContainerFacts, p verdict.Policy) {
	if !f.LookFailed && (f.Container.Phase == dockerwatch.Gone || !f.Owner.Owned || len(f.Claimants) > 0) {
		t.Forget(key)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.containers[key]
	if f.LookFailed {
		if s != nil {
			s.watch = time.Time{}
		}
		return
	}
	if s == nil {
		s = &containerRecord{}
		t.containers[key] = s
	}
	if cause := f.Cause(); s.cause != cause || s.since.IsZero() {
		s.cause, s.since, s.watch = cause, time.Now(), time.Time{}
	}
	switch {
	case !f.LeakClosing(p), f.TableEmpty:
		s.watch = time.Time{}
	case s.watch.IsZero():
		s.watch = time.Now()
	}
}

// ShouldLog reports whether text is news about the container: true the first time, false until something else was said.
func (t *ContainerTracker) ShouldLog(key verdict.ContainerKey, text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.containers[key]
	if s == nil {
		return true // nothing is known of it yet, and nothing is remembered over a failure
	}
	news := s.logged != text
	s.logged = text
	return news
}

// Forget drops a container: it is gone, claimed or not ours.
func (t *ContainerTracker) Forget(key verdict.ContainerKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.containers, key)
}

// Prune drops the containers that the engine does not list any more.
func (t *ContainerTracker) Prune(listed func(id string) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.containers {
		if !listed(string(key)) {
			delete(t.containers, key)
		}
	}
}

package controllers

import (
	"sync"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// containerMemory is what this process has seen of containers that no row claims, and when: only ever used to wait and
// to say nothing twice. It is safe for concurrent use.
type containerMemory struct {
	mu         sync.Mutex
	containers map[verdict.ContainerKey]*containerSighting
}

// containerSighting is what was seen of one container.
type containerSighting struct {
	cause string
	since time.Time // when this cause was first seen
	watch time.Time // since when it has been looked at shortly before the end of its grace; zero: it is not
	said  string    // what was last reported about it
}

func newContainerMemory() *containerMemory {
	return &containerMemory{containers: map[verdict.ContainerKey]*containerSighting{}}
}

// past returns for how long a container has been in sight in this condition, and for how long it has been watched in
// it; zero where it has not.
func (m *containerMemory) past(key verdict.ContainerKey, cause string) (causeFor, watchedFor time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.containers[key]
	if s == nil || s.cause != cause {
		return 0, 0
	}
	if !s.watch.IsZero() {
		watchedFor = time.Since(s.watch)
	}
	return time.Since(s.since), watchedFor
}

// record notes what a look saw. A container is watched shortly before the end of leakGrace, and neither while its looks
// fail nor while the table is empty. One that is gone, claimed or not ours is forgotten.
func (m *containerMemory) record(key verdict.ContainerKey, f verdict.ContainerFacts, p verdict.Policy) {
	if !f.LookFailed && (f.Container.Phase == dockerwatch.Gone || !f.Owner.Owned || len(f.Claimants) > 0) {
		m.forget(key)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.containers[key]
	if f.LookFailed {
		if s != nil {
			s.watch = time.Time{}
		}
		return
	}
	if s == nil {
		s = &containerSighting{}
		m.containers[key] = s
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

// say reports whether text is news about the container: true the first time, false until something else was said.
func (m *containerMemory) say(key verdict.ContainerKey, text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.containers[key]
	if s == nil {
		return true // nothing is known of it yet, and nothing is remembered over a failure
	}
	news := s.said != text
	s.said = text
	return news
}

// forget drops a container: it is gone, claimed or not ours.
func (m *containerMemory) forget(key verdict.ContainerKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.containers, key)
}

// prune drops the containers that the engine does not list any more.
func (m *containerMemory) prune(listed func(id string) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.containers {
		if !listed(string(key)) {
			delete(m.containers, key)
		}
	}
}

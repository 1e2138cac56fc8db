package controllers

import (
	"sync"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
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

// observe notes the condition of a container now and returns since when it has been in sight.
func (m *containerMemory) observe(key verdict.ContainerKey, cause string) (since time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.containers[key]
	if s == nil {
		s = &containerSighting{}
		m.containers[key] = s
	}
	if s.cause != cause || s.since.IsZero() {
		s.cause, s.since, s.watch = cause, time.Now(), time.Time{}
	}
	return s.since
}

// watch turns the watch over a container that was observed on or off, and returns for how long it has been on: zero
// where it was not, and where nothing is known of the container any more, as a sweep has met it claimed since.
func (m *containerMemory) watch(key verdict.ContainerKey, on bool) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.containers[key]
	switch {
	case s == nil:
		return 0
	case !on:
		s.watch = time.Time{}
		return 0
	case s.watch.IsZero():
		s.watch = time.Now()
	}
	return time.Since(s.watch)
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

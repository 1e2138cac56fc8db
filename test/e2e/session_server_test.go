package e2e

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// sessionServer is one at work: it starts sessions and ends them again, some crash, and what the engine refuses
// it gives up. It keeps its side of the contract, whatever happens to the engine.
type sessionServer struct {
	*world

	image  string
	labels map[string]string
	stop   func()
	// want and live belong to the server's own goroutine until stop has returned.
	want []settled
	live []liveSession
}

type liveSession struct {
	session, id string
	pid         int
}

// serve starts a session server that does one thing after the other, with pauses, until its stop is called. It has most
// sessions at a time.
func (w *world) serve(most int, pause time.Duration) *sessionServer {
	w.Helper()
	s := &sessionServer{world: w, image: testenv.Image(w.TB), labels: w.labels("")}
	over := make(chan struct{})
	var working sync.WaitGroup
	working.Go(func() {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			if len(s.live) < most {
				s.begins()
			} else {
				s.loses(n%2 == 0)
			}
		}
	})
	s.stop = sync.OnceFunc(func() {
		close(over)
		working.Wait()
	})
	w.Cleanup(s.stop)
	return s
}

// begins a session. Its claim is saved last, as servers do; the session of a container that could not be made or
// started is ended.
func (s *sessionServer) begins() {
	session := s.number()
	s.does(`INSERT INTO sessions (id, status) VALUES ($1, 'ACTIVE')`, session)
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	id, pid, err := s.starts(ctx, session)
	if err != nil {
		s.does(`UPDATE sessions SET status = 'TERMINATED' WHERE id = $1`, session)
		s.want = append(s.want, settled{session, "TERMINATED NULL", id, "gone"})
		return
	}
	s.does(`UPDATE sessions SET container_id = $1 WHERE id = $2`, id, session)
	s.live = append(s.live, liveSession{session, id, pid})
}

func (s *sessionServer) starts(ctx context.Context, session string) (id string, pid int, err error) {
	labels := map[string]string{s.label: session, dockerwatch.InstallationLabel: s.labels[dockerwatch.InstallationLabel]}
	created, err := s.docker.ContainerCreate(ctx, &container.Config{Image: s.image, Labels: labels},
		testenv.QuickToStart(), nil, nil, s.prefix+session)
	if err != nil {
		return "", 0, err
	}
	if err := s.docker.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
		return created.ID, 0, err
	}
	seen, err := s.docker.ContainerInspect(ctx, created.ID)
	if err != nil {
		return created.ID, 0, err
	}
	if seen.State.Pid <= 0 {
		return created.ID, 0, fmt.Errorf("container %s has no process, it is %s", created.ID, seen.State.Status)
	}
	return created.ID, seen.State.Pid, nil
}

// loses the oldest session: it crashes, for which no engine is needed, or the server ends it.
func (s *sessionServer) loses(crashes bool) {
	oldest := s.live[0]
	s.live = s.live[1:]
	if crashes {
		if err := killProcess(oldest.pid, oldest.id); err != nil {
			s.Error(err) // nobody else ends the process of a live session, an engine that is killed neither
		}
		s.want = append(s.want, settled{oldest.session, "ERROR NULL", oldest.id, "gone"})
		return
	}
	s.does(`UPDATE sessions SET status = 'TERMINATED' WHERE id = $1`, oldest.session)
	s.want = append(s.want, settled{oldest.session, "TERMINATED NULL", oldest.id, "gone"})
}

// does is serverDoes beside the test's own goroutine, which alone may end the test.
func (s *sessionServer) does(statement string, args ...any) {
	if _, err := s.server.ExecContext(s.Context(), statement, args...); err != nil && s.Context().Err() == nil {
		s.Errorf("the session server's %q: %v", statement, err)
	}
}

// stopped ends the server and returns what must become of every session it ever had: those that live go on living.
func (s *sessionServer) stopped() []settled {
	s.stop()
	for _, l := range s.live {
		s.want = append(s.want, settled{l.session, "ACTIVE " + l.id, l.id, "running"})
	}
	return s.want
}

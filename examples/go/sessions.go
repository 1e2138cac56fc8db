// Package sessions is what a session server written in Go does so that session-controller can do its part: it labels
// the containers, saves each id right after the container was created, ends a session in its row, and listens for
// failures.
package sessions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Server starts, ends and revives sessions.
type Server struct {
	Docker *client.Client
	DB     *sqlx.DB
	// Claims saves container ids without ever overwriting what somebody else wrote.
	Claims *sessiondb.Server
	// Installation is docker.ownership.installation of the controller, Image what a session runs.
	Installation, Image string
}

// ErrStartedElsewhere says that the session was ended, or started by somebody else, while its container was made.
var ErrStartedElsewhere = errors.New("the session was ended or started by somebody else meanwhile")

// Start begins a session: the row first, then the container, its id at once, and only then the process.
func (s *Server) Start(ctx context.Context, session string) error {
	if _, err := s.DB.ExecContext(ctx, `INSERT INTO sessions (id, status) VALUES ($1, 'ACTIVE')`, session); err != nil {
		return fmt.Errorf("start session %s: %w", session, err)
	}
	id, err := s.create(ctx, session)
	if err != nil {
		return err
	}
	switch err := s.Claims.SaveContainerID(ctx, session, id); {
	case errors.Is(err, sessiondb.ErrNotLive), errors.Is(err, sessiondb.ErrClaimsAnother):
		return errors.Join(ErrStartedElsewhere, s.Docker.ContainerRemove(ctx, id, container.RemoveOptions{}))
	case err != nil:
		return fmt.Errorf("start session %s: %w", session, err) // it may have been saved or not: call it again
	}
	return s.run(ctx, session, id)
}

// End ends a session. The controller stops and removes the container, and clears the claim.
func (s *Server) End(ctx context.Context, session string) error {
	_, err := s.DB.ExecContext(ctx,
		`UPDATE sessions SET status = 'TERMINATED' WHERE id = $1 AND status IN ('ACTIVE', 'IDLE')`, session)
	if err != nil {
		return fmt.Errorf("end session %s: %w", session, err)
	}
	return nil
}

// Revive gives an ended session a new container. The old one is condemned: never start it again.
func (s *Server) Revive(ctx context.Context, session string) error {
	id, err := s.create(ctx, session)
	if err != nil {
		return err
	}
	result, err := s.DB.ExecContext(ctx, `UPDATE sessions SET status = 'ACTIVE', container_id = $2
		WHERE id = $1 AND status IN ('ERROR', 'TERMINATED')`, session, id)
	if err != nil {
		return fmt.Errorf("revive session %s: %w", session, err)
	}
	if hit, err := result.RowsAffected(); err != nil || hit == 0 {
		return errors.Join(ErrStartedElsewhere, err, s.Docker.ContainerRemove(ctx, id, container.RemoveOptions{}))
	}
	return s.run(ctx, session, id)
}

// create makes a container that says whose it is. Its name is used once only.
func (s *Server) create(ctx context.Context, session string) (id string, err error) {
	name := fmt.Sprintf("session-%s-%d", session, time.Now().UnixNano())
	created, err := s.Docker.ContainerCreate(ctx, &container.Config{
		Image: s.Image,
		Labels: map[string]string{
			"io.session-controller.session":      session,
			"io.session-controller.installation": s.Installation,
		},
	}, &container.HostConfig{NetworkMode: "none"}, nil, nil, name)
	if err != nil {
		return "", fmt.Errorf("create the container of session %s: %w", session, err)
	}
	return created.ID, nil
}

func (s *Server) run(ctx context.Context, session, id string) error {
	if err := s.Docker.ContainerStart(ctx, id, container.StartOptions{}); err != nil {
		return fmt.Errorf("start the container of session %s: %w", session, err)
	}
	return nil
}

// Failure is what database.notifyChannel tells of a session that the controller has failed.
type Failure struct {
	Session string `json:"session"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Listen calls failed for every session that fails, until ctx ends, and reread after every connection: what happened
// while nobody listened is only in the rows.
func Listen(ctx context.Context, url, channel string, failed func(Failure), reread func()) error {
	const shortest, longest = time.Second, time.Minute // between two tries to connect
	listener := pq.NewListener(url, shortest, longest, nil)
	defer func() { _ = listener.Close() }()
	if err := listener.Listen(channel); err != nil {
		return fmt.Errorf("listen on %s: %w", channel, err)
	}
	reread()
	for {
		select {
		case <-ctx.Done():
			return nil
		case n := <-listener.Notify:
			var f Failure
			if n == nil { // it was connected anew
				reread()
			} else if err := json.Unmarshal([]byte(n.Extra), &f); err == nil {
				failed(f)
			}
		}
	}
}

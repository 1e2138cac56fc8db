package sessiondb

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNotLive means that the session has ended, or has a status that the configuration does not know: it must not be
	// given a container. Remove the container that was made for it.
	ErrNotLive = errors.New("the session is not live")

	// ErrClaimsAnother means that the session claims another container than the one named. Nothing was changed. The
	// controller writes the full id where a name was saved, and another server may have started the same session.
	ErrClaimsAnother = errors.New("the session claims another container")

	errNoContainerID = errors.New("the container id is blank, or has blanks around it")
)

// saveAttempts bounds how often a lost race is run again. A program that changes a row so often is changing its status
// to and fro, which no server does within the milliseconds of one attempt.
const saveAttempts = 10

// Server is what a session server written in Go needs of its own table to keep its side of the contract: container ids
// that are saved, read and cleared without ever overwriting what another program wrote. It is safe for concurrent use,
// and needs no controller.
type Server struct{ store *Store }

// OpenServer connects to the database of cfg and checks the mapping, with the errors of Open.
func OpenServer(ctx context.Context, cfg Config) (*Server, error) {
	store, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Server{store: store}, nil
}

// Close closes every connection.
func (s *Server) Close() error { return s.store.Close() }

// SaveContainerID points a session at its container, right after the container was created. The session must be live
// and claim nothing, or this very container: so it can be called again when the first call ended in ErrUnreachable and
// may have been done.
//
// Errors: ErrNotFound, ErrNotLive, ErrClaimsAnother (remove the container then), ErrUnreachable, ErrConflict when
// others changed the session again and again.
func (s *Server) SaveContainerID(ctx context.Context, id, containerID string) error {
	operation := fmt.Sprintf("save container %s of session %s", containerID, id)
	if err := validContainerID(containerID); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return s.retry(ctx, operation, id, func(row Row) error {
		switch {
		case row.Kind != StatusLive:
			return fmt.Errorf("%w: its status is %q", ErrNotLive, row.Status)
		case row.Claim == containerID:
			return nil
		case row.Claims():
			return fmt.Errorf("%w: %s", ErrClaimsAnother, row.Claim)
		}
		_, err := s.store.SetClaim(ctx, row, containerID)
		return err
	})
}

// ContainerID returns what a session claims, exactly as stored: a full id, a short id or a name. It is empty when the
// session claims nothing. Errors: ErrNotFound, ErrUnreachable.
func (s *Server) ContainerID(ctx context.Context, id string) (string, error) {
	row, err := s.store.Get(ctx, id)
	if err != nil || !row.Claims() {
		return "", err
	}
	return row.Claim, nil
}

// ClearContainerID takes a claim back: of a live session before the server stops its container itself, of an ended one
// only when its container is proven gone (otherwise it would never be found again; leave it to the controller). A
// session that claims nothing is left as it is. Errors: ErrNotFound, ErrClaimsAnother, ErrUnreachable, ErrConflict.
func (s *Server) ClearContainerID(ctx context.Context, id, containerID string) error {
	operation := fmt.Sprintf("clear container %s of session %s", containerID, id)
	if err := validContainerID(containerID); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return s.retry(ctx, operation, id, func(row Row) error {
		switch {
		case !row.Claims():
			return nil
		case row.Claim != containerID:
			return fmt.Errorf("%w: %s", ErrClaimsAnother, row.Claim)
		}
		_, err := s.store.Release(ctx, row)
		return err
	})
}

// retry runs one look and one write until the write meets the row as it was read.
func (s *Server) retry(ctx context.Context, operation, id string, attempt func(Row) error) error {
	var err error
	for range saveAttempts {
		row, lookErr := s.store.Get(ctx, id)
		if lookErr != nil {
			return fmt.Errorf("%s: %w", operation, lookErr)
		}
		if err = attempt(row); !errors.Is(err, ErrConflict) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return nil
}

// validContainerID refuses what the controller would not know again.
func validContainerID(containerID string) error {
	if containerID == "" || strings.TrimSpace(containerID) != containerID {
		return errNoContainerID
	}
	return nil
}

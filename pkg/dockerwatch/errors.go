package dockerwatch

import "errors"

// What can go wrong, for errors.Is. None of them says anything about the container: an error is not an observation.
var (
	// ErrUnreachable is returned when the engine could not be reached or broke off, or its answer was a proxy's.
	ErrUnreachable = errors.New("docker engine unreachable")
	// ErrTimeout is returned when the engine took the call and did not answer before the deadline.
	ErrTimeout = errors.New("docker engine did not answer in time")
	// ErrInvalidReference is returned for a claim that can name no container: it was not sent to the engine, or it is an
	// id prefix of fewer than 12 digits that is no container's exact name.
	ErrInvalidReference = errors.New("not a container id or name")
	// ErrNotThere is returned when there was nothing to remove. It does not prove that the container is gone: another
	// engine may have been asked. Look again.
	ErrNotThere = errors.New("there is no such container")
	// ErrRefused is returned when the engine refuses a removal: the container runs, or is being removed already. Look
	// again.
	ErrRefused = errors.New("refused by the docker engine")
)

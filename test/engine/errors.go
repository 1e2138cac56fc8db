package engine

import (
	"errors"
	"fmt"
)

// errNotModified says that there is nothing to do; the API answers 304.
var errNotModified = errors.New("it is so already")

// errDown is what a client of an engine that does not run is told by the connection.
var errDown = errors.New("connection refused: the engine does not run")

// notFoundError, conflictError and invalidError are the failures that the API answers 404, 409 and 400 for; the others
// are 500.
type (
	notFoundError string
	conflictError string
	invalidError  string
)

func (e notFoundError) Error() string { return string(e) }
func (e conflictError) Error() string { return string(e) }
func (e invalidError) Error() string  { return string(e) }

// about says what an error is about and leaves it the failure that it is.
func about(what string, err error) error {
	var notFound notFoundError
	var conflict conflictError
	switch {
	case errors.As(err, &notFound):
		return notFoundError(what + err.Error())
	case errors.As(err, &conflict):
		return conflictError(what + err.Error())
	}
	return fmt.Errorf("%s%w", what, err)
}

func conflictf(format string, args ...any) error { return conflictError(fmt.Sprintf(format, args...)) }

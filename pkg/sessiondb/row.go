package sessiondb

import (
	"strings"
	"time"
)

// StatusKind says what a status means for the session's container. The zero value is StatusUnknown.
type StatusKind int

const (
	// StatusUnknown is a status that the configuration names neither live nor ended (NULL included): hands off.
	StatusUnknown StatusKind = iota
	// StatusLive is a status whose session wants its container.
	StatusLive
	// StatusEnded is a status whose session must not have a container.
	StatusEnded
)

// String returns "unknown", "live" or "ended".
func (k StatusKind) String() string {
	switch k {
	case StatusLive:
		return "live"
	case StatusEnded:
		return "ended"
	case StatusUnknown:
		return "unknown"
	}
	return "unknown"
}

// Row is one session as it was read. It is what every write compares against.
type Row struct {
	// ID is the session's id in its text form, whatever the column's type.
	ID string
	// Status is the status exactly as read; empty when the column is NULL.
	Status string
	// Kind is what the configuration says of Status.
	Kind StatusKind
	// Claim is the container id or name exactly as read; empty when the column is NULL or empty.
	Claim string
	// Node is where the session's container is; empty when no column is mapped, or it is NULL.
	Node string
	// NodeNull reports that the column is mapped and NULL: it is not known whose row this is.
	NodeNull bool
	// CreatedAt is when the session was created, in UTC; zero when that is not known.
	CreatedAt time.Time
}

// Claims reports whether the row claims anything at all: a claim of nothing but blanks claims nothing.
func (r Row) Claims() bool { return strings.TrimSpace(r.Claim) != "" }

// StatusCount is a status that the configuration does not name, and how many rows have it.
type StatusCount struct {
	// Status is the value as stored; empty with Null set when the column is NULL.
	Status string
	// Null reports that the column is NULL in these rows.
	Null bool
	// Rows is how many rows have this status.
	Rows int
}

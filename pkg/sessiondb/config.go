package sessiondb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The values of Config.TimeFormat.
const (
	// TimeFormatTimestamp is the database's own: timestamptz or timestamp (in UTC) in PostgreSQL, the text of SQLite's
	// CURRENT_TIMESTAMP (UTC, whole seconds) in SQLite.
	TimeFormatTimestamp = "timestamp"
	// TimeFormatUnix is whole seconds since 1970.
	TimeFormatUnix = "unix"
	// TimeFormatUnixMilli is whole milliseconds since 1970.
	TimeFormatUnixMilli = "unixMilli"
)

// Config is the `database` section of the configuration file: where the sessions are, and what their columns and
// statuses are called there.
type Config struct {
	// URL is postgres://… or postgresql://… (Prisma's too), or file:path of a SQLite database. It can hold a password:
	// never print it.
	URL string `json:"url"`
	// Table is quoted as given: Session, app.sessions. Only PostgreSQL splits it, at the dot, into schema and table.
	Table string `json:"table"`
	// Columns are the names of the columns, quoted as given.
	Columns Columns `json:"columns"`
	// TimeFormat is how Columns.UpdatedAt and CreatedAt are written: timestamp, unix or unixMilli.
	TimeFormat string `json:"timeFormat"`
	// Statuses says what the values of Columns.Status mean.
	Statuses Statuses `json:"statuses"`
	// NotifyChannel is notified, in the same transaction, whenever a session is failed; empty for none. PostgreSQL only.
	NotifyChannel string `json:"notifyChannel"`
	// Node is the node whose rows are streamed and followed; empty serves all rows. It goes with Columns.Node.
	Node string `json:"-"`
	// Timing is how long the database is waited for; zero is the default. No key of the file sets it.
	Timing Timing `json:"-"`
}

// Columns maps the columns of the sessions table.
type Columns struct {
	// ID identifies a session; it needs a unique index of its own.
	ID string `json:"id"`
	// Status is the session's state.
	Status string `json:"status"`
	// ContainerID is the claim: the id or the name of the session's container.
	ContainerID string `json:"containerID"`
	// UpdatedAt is set to the database's now by every write; empty when there is no such column.
	UpdatedAt string `json:"updatedAt"`
	// Reason is given one sentence for people by Fail; empty when there is no such column. Nothing else writes it.
	Reason string `json:"reason"`
	// CreatedAt is when the session was created, in Config.TimeFormat; empty when there is no such column. Only read.
	CreatedAt string `json:"createdAt"`
	// Node says on which node a session's container is; empty when there is no such column. Only read.
	Node string `json:"node"`
}

// Statuses says which statuses are live and which are ended. Every other value, NULL included, is unknown and its row
// is left alone.
type Statuses struct {
	// Live are the statuses whose session wants a container.
	Live []string `json:"live"`
	// Ended are the statuses whose session must not have one.
	Ended []string `json:"ended"`
	// Error is the one of Ended that Fail writes.
	Error string `json:"error"`
}

// DefaultConfig returns the configuration that works with a table sessions(id, status, container_id). It has no URL.
func DefaultConfig() Config {
	return Config{
		Table:      "sessions",
		Columns:    Columns{ID: "id", Status: "status", ContainerID: "container_id"},
		TimeFormat: TimeFormatTimestamp,
		Statuses: Statuses{
			Live:  []string{"ACTIVE", "IDLE"},
			Ended: []string{"ERROR", "TERMINATED"},
			Error: "ERROR",
		},
	}
}

// Kind returns what status means. It is compared exactly: case and blanks count.
func (s Statuses) Kind(status string) StatusKind {
	switch {
	case slices.Contains(s.Live, status):
		return StatusLive
	case slices.Contains(s.Ended, status):
		return StatusEnded
	}
	return StatusUnknown
}

// Validate returns every problem that can be seen without touching the database, one sentence each, joined with
// errors.Join; nil when there is none. No sentence quotes the URL.
func (c Config) Validate() error {
	_, err := newBackend(c)
	return errors.Join(
		err, c.validateNames(), c.validateTimeFormat(), c.Statuses.validate(), c.validateChannel(), c.validateNode(),
		c.Timing.validate(),
	)
}

func (c Config) validateNames() error {
	var errs []error
	names := []struct{ key, value string }{
		{"columns.id", c.Columns.ID},
		{"columns.status", c.Columns.Status},
		{"columns.containerID", c.Columns.ContainerID},
		{"columns.updatedAt", c.Columns.UpdatedAt},
		{"columns.reason", c.Columns.Reason},
		{"columns.createdAt", c.Columns.CreatedAt},
		{"columns.node", c.Columns.Node},
	}
	optional := []string{"columns.updatedAt", "columns.reason", "columns.createdAt", "columns.node"}
	taken := map[string]string{}
	for _, n := range names {
		if n.value == "" && slices.Contains(optional, n.key) {
			continue
		}
		if err := validName("database."+n.key, n.value); err != nil {
			errs = append(errs, err)
			continue
		}
		if other, ok := taken[n.value]; ok {
			errs = append(
				errs,
				fmt.Errorf(
					"database.%s and database.%s both name the column %q: each needs a column of its own",
					other,
					n.key,
					n.value,
				),
			)
		}
		taken[n.value] = n.key
	}
	errs = append([]error{validName("database.table", c.Table)}, errs...)
	return errors.Join(errs...)
}

// validName refuses what can be no identifier. NUL ends an identifier in PostgreSQL's quoting, so it would name
// another.
func validName(key, value string) error {
	switch {
	case strings.TrimSpace(value) == "":
		return fmt.Errorf("%s is empty: give the name as it is in the database", key)
	case strings.ContainsRune(value, 0):
		return fmt.Errorf("%s contains a NUL character: give the name as it is in the database", key)
	}
	return nil
}

func (c Config) validateTimeFormat() error {
	switch c.TimeFormat {
	case TimeFormatTimestamp, TimeFormatUnix, TimeFormatUnixMilli:
		return nil
	}
	return fmt.Errorf("database.timeFormat is %q: it must be timestamp, unix or unixMilli", c.TimeFormat)
}

// validateChannel: PostgreSQL takes names of up to 63 bytes.
func (c Config) validateChannel() error {
	const most = 63
	switch {
	case c.NotifyChannel == "":
		return nil
	case strings.HasPrefix(c.URL, "file:"):
		return errors.New("database.notifyChannel is set and the database is SQLite, which has no notifications: take it out")
	case len(c.NotifyChannel) > most || strings.ContainsRune(c.NotifyChannel, 0):
		return fmt.Errorf("database.notifyChannel is %q: give a name of at most %d bytes", c.NotifyChannel, most)
	}
	return nil
}

// validateNode: without the column a controller would serve the rows of all nodes with the engine of one, and without
// the node it would not know which rows are its own.
func (c Config) validateNode() error {
	switch {
	case c.Node == "" && c.Columns.Node != "":
		return errors.New("database.columns.node is set and docker.node is not: say which node's rows are to be served")
	case c.Node != "" && c.Columns.Node == "":
		return errors.New("docker.node is set and database.columns.node is not: name the column that holds a row's node")
	case strings.ContainsRune(c.Node, 0):
		return errors.New("docker.node contains a NUL character: give the node as it is in the rows")
	}
	return nil
}

func (s Statuses) validate() error {
	var errs []error
	seen := map[string]string{}
	for _, list := range []struct {
		key    string
		values []string
	}{{"live", s.Live}, {"ended", s.Ended}} {
		for _, status := range list.values {
			before, twice := seen[status]
			switch {
			case strings.TrimSpace(status) == "":
				errs = append(errs, fmt.Errorf("database.statuses.%s contains an empty status: leave it out", list.key))
			case twice && before == list.key:
				errs = append(errs, fmt.Errorf("database.statuses.%s names %q twice: name it once", list.key, status))
			case twice:
				errs = append(
					errs,
					fmt.Errorf(
						"the status %q is in both database.statuses.live and database.statuses.ended: a session cannot want "+
							"a container and be without one",
						status,
					),
				)
			}
			seen[status] = list.key
		}
	}
	if len(s.Live) == 0 {
		errs = append(
			errs,
			errors.New("database.statuses.live is empty: name at least one status whose session wants a container"),
		)
	}
	switch {
	case strings.TrimSpace(s.Error) == "":
		errs = append(errs, errors.New("database.statuses.error is empty: name the status that a failed session gets"))
	case !slices.Contains(s.Ended, s.Error):
		errs = append(
			errs,
			fmt.Errorf(
				"database.statuses.error is %q, which is not in database.statuses.ended: a failed session is an ended one",
				s.Error,
			),
		)
	}
	return errors.Join(errs...)
}

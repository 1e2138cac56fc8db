package sessiondb

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/session-controller/session-controller/internal/batch"
)

// backend is what differs between PostgreSQL and SQLite. Everything else in this package is shared.
type backend interface {
	migrator
	ledgerKeeper

	// describe names server and database for people, without any secret.
	describe() string
	// open returns the pools for reads and for writes (they can be the same); nothing is connected yet.
	open() (read, write *sqlx.DB, err error)
	// dialect returns how SQL is spelt here.
	dialect() dialect
	// look finds the sessions table as it really is. A table that is not there is no error: found is false.
	look(ctx context.Context, db *sqlx.DB, cfg Config) (table, error)
	// create creates the reference table and reports false if something of that name is there already.
	create(ctx context.Context, cfg Config) (created bool, err error)
	// createStatement is the SQL of create.
	createStatement(cfg Config) string
	// classify says what an error of this driver amounts to.
	classify(err error) failure
	// explainConnectError explains why the first contact failed; nil leaves the error as it is.
	explainConnectError(err error) error
}

// Store is the sessions table of one database. It is safe for concurrent use.
type Store struct {
	backend  backend
	statuses Statuses
	tableAs  string // as configured, for people
	config   Config // as Open was given it
	timing   Timing // of config, with its defaults
	table    table
	sql      statements
	// claimNotNull says that a released claim is empty and not NULL.
	claimNotNull bool
	read         *sqlx.DB
	write        *sqlx.DB
	// gets and writes let what is asked for at the same time share a statement; nil where each has its own.
	gets   *batch.Batcher[string, Row]
	writes *batch.Batcher[write, Row]
}

// Open connects to the database of cfg and checks the mapping against the real table. It never creates anything: a
// missing database, table, column, index or privilege is one sentence that says what was looked for and what is there.
// Errors: what Validate returns, ErrUnreachable, or one about the mapping.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b, err := newBackend(cfg)
	if err != nil {
		return nil, err
	}
	operation := "open " + b.describe()
	read, write, err := b.open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	s := &Store{
		backend: b, statuses: cfg.Statuses, tableAs: cfg.Table, config: cfg, timing: cfg.Timing.withDefaults(), read: read,
		write: write,
	}
	if err := s.prepare(ctx, cfg); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes every connection. It waits for writes that have begun.
func (s *Store) Close() error {
	err := s.write.Close()
	if s.read != s.write {
		err = errors.Join(err, s.read.Close())
	}
	if err != nil {
		return fmt.Errorf("close %s: %w", s.backend.describe(), err)
	}
	return nil
}

// Describe names the database and the table for logs: "PostgreSQL database app at db:5432, table sessions". It never
// contains a secret.
func (s *Store) Describe() string { return s.backend.describe() + ", table " + s.tableAs }

// prepare looks at the real table and builds every statement from it, once.
func (s *Store) prepare(ctx context.Context, cfg Config) error {
	operation := "open " + s.backend.describe()
	deadline, cancel := context.WithTimeout(ctx, s.timing.Read)
	defer cancel()
	if err := s.read.PingContext(deadline); err != nil {
		if known := s.backend.explainConnectError(err); known != nil {
			err = known
		}
		return s.explain(ctx, operation, err)
	}
	found, err := s.backend.look(deadline, s.read, cfg)
	if err != nil {
		return s.explain(ctx, fmt.Sprintf("look at table %s of %s", cfg.Table, s.backend.describe()), err)
	}
	if err := judge(cfg, found); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	s.table = found
	s.sql = build(s.backend.dialect(), found, cfg)
	s.claimNotNull = found.column(cfg.Columns.ContainerID).notNull
	s.share()
	return nil
}

// scheme is what can stand before the colon of a URL. Anything else in that place may be part of a password.
var scheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]{0,20}$`)

// newBackend chooses by the scheme of the URL. It does no I/O, and its errors never quote the URL: it can hold a
// password.
func newBackend(cfg Config) (backend, error) {
	kind, rest, _ := strings.Cut(cfg.URL, ":")
	switch {
	case strings.TrimSpace(cfg.URL) == "":
		return nil, errors.New("database.url is empty: set it to postgres://… or file:path.db, or set DATABASE_URL")
	case strings.Contains(cfg.URL, "%00"):
		// It would end a name early, so that a schema of another name is meant.
		return nil, errors.New("database.url contains a NUL character (%00), which no name and no password can have")
	case kind == "postgres" || kind == "postgresql":
		return parsePostgres(cfg)
	case kind == "file":
		return parseSQLite(rest, cfg.Timing.withDefaults())
	case scheme.MatchString(kind) && strings.HasPrefix(rest, "//"):
		return nil, fmt.Errorf(
			"database.url begins with %s: only postgres://…, postgresql://… and file:path.db are supported",
			kind+"://",
		)
	}
	return nil, errors.New(
		"database.url is of no supported kind: it must begin with postgres://, with postgresql:// or with file",
	)
}

// parameters returns the query of a database URL as it stands after the question mark, one value for each name.
func parameters(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errUnescaped // the error of the parser quotes what it could not read
	}
	params := make(map[string]string, len(values))
	for name, all := range values {
		if !parameterName.MatchString(name) {
			return nil, errUnescaped
		}
		switch {
		case len(all) > 1 && !nameable(query):
			return nil, errUnnamed
		case len(all) > 1:
			return nil, fmt.Errorf("database.url gives the parameter %s more than once: give it once", name)
		}
		params[name] = all[0]
	}
	return params, nil
}

// parameterName is what a parameter can be called. A password with an unescaped question mark or ampersand ends up in
// the place of a parameter's name, and must not be named in an error.
var parameterName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.]*$`)

// nameable reports whether a parameter may be named in an error. It may not where it could be what an unescaped
// character has cut off a password: one that is a parameter itself, or one that an @ behind the question mark ends.
func nameable(query string) bool {
	return !strings.Contains(query, "@") && !strings.Contains(query, "password=")
}

var errUnnamed = errors.New(
	"database.url has a parameter that is not understood here, or one twice, which is not named because it may be a " +
		"piece of the password: take it out, or percent-encode special characters in the password (? as %3F, & as %26, " +
		"@ as %40)",
)

var errUnescaped = errors.New(
	"database.url could not be parsed: percent-encode special characters in user and password (@ as %40, " +
		": as %3A, / as %2F, # as %23, ? as %3F, % as %25)",
)

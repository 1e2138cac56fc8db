package sessiondb

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

const (
	// connectTimeout, in seconds, is used where the URL gives none: as long as one read may take.
	connectTimeout = "5"

	// postgresPool is how many connections a Store holds at most. A compare-and-set waits for the server's disk, and
	// several together share its flushes: 16 workers that read a row and fail it do 3,800 a second over 4 connections,
	// 4,900 over 8 and 5,600 over 16. 8 is enough for 10,000 sessions in 3 s, and a dozen controllers, all on one server
	// with the default max_connections of 100, leave room for the session servers.
	postgresPool = 8

	// idleTime is after how long an unused connection is closed: longer than the default resync period of 60 s, so that
	// the sweep does not have to connect anew each time.
	idleTime = 5 * time.Minute
)

// postgres is a PostgreSQL database by way of lib/pq.
//
// binary_parameters=yes is always on. It is the one way to a single round trip for each statement without named
// prepared statements, which a PgBouncer in transaction mode does not carry over. Reading one row takes 116 µs so, 167
// µs in the two round trips of lib/pq's default, and 68 µs with a named statement (medians, PostgreSQL 15 on a loopback
// socket).
type postgres struct {
	config pq.Config
	schema string // of ?schema=; empty when the search path decides
	dsn    string // what config was made from, for the listener. It holds the password
	timing Timing // with its defaults
}

func (p *postgres) describe() string {
	where := net.JoinHostPort(p.config.Host, strconv.Itoa(int(p.config.Port)))
	if strings.HasPrefix(p.config.Host, "/") || strings.HasPrefix(p.config.Host, "@") {
		where = p.config.Host // the directory of a unix socket
	}
	name := p.config.Database
	if name == "" {
		name = p.config.User // as the server does
	}
	return fmt.Sprintf("PostgreSQL database %s at %s", name, where)
}

func (p *postgres) open() (read, write *sqlx.DB, err error) {
	db, err := p.pool(dialer{limit: p.timing.socket()})
	return db, db, err
}

func (p *postgres) pool(d dialer) (*sqlx.DB, error) {
	connector, err := pq.NewConnectorConfig(p.config.Clone())
	if err != nil {
		return nil, fmt.Errorf("set up the driver: %w", err)
	}
	connector.Dialer(d)
	db := sqlx.NewDb(sql.OpenDB(primaryConnector{connector}), "postgres")
	db.SetMaxOpenConns(postgresPool)
	db.SetMaxIdleConns(postgresPool)
	db.SetConnMaxIdleTime(idleTime)
	return db, nil
}

// quotePostgres makes an identifier of a name as it is in the database.
func quotePostgres(name string) string { return pq.QuoteIdentifier(name) }

func (p *postgres) dialect() dialect {
	return dialect{
		quote: quotePostgres,
		text:  func(column string) string { return column + "::text" },
		param: func(n int) string { return "$" + strconv.Itoa(n) },
		// The parameter takes the array type of the expression: a cast to text[] would keep an index from being used.
		in:      func(expression, param string) string { return expression + " = ANY(" + param + ")" },
		list:    func(values []string) (any, error) { return pq.Array(values), nil },
		now:     nowPostgres,
		literal: pq.QuoteLiteral,
		same:    func(a, b string) string { return a + " IS NOT DISTINCT FROM CAST(" + b + " AS text)" },
		micros: func(format, column string) string {
			switch format {
			case TimeFormatUnix:
				return "CAST(" + column + " * 1000000 AS bigint)"
			case TimeFormatUnixMilli:
				return "CAST(" + column + " * 1000 AS bigint)"
			}
			// A time without a zone is taken for UTC, as it is written; an infinite one is none.
			return "CASE WHEN isfinite(" + column + ") THEN CAST(extract(epoch FROM " + column + ") * 1000000 AS bigint) END"
		},
		remote: true,
		// Rows are streamed.
		pageBy: func(table, Config) string { return "" },
	}
}

func nowPostgres(format string, c column) string {
	switch {
	case format == TimeFormatUnix:
		return "floor(extract(epoch FROM now()))"
	case format == TimeFormatUnixMilli:
		return "floor(extract(epoch FROM now()) * 1000)"
	case c.zoned:
		return "now()"
	}
	// A time without a zone is UTC by the convention of Prisma and most others. Left alone, the server would convert to
	// the zone of the session.
	return "(now() AT TIME ZONE 'UTC')"
}

// classify branches on the server's codes (https://www.postgresql.org/docs/current/errcodes-appendix.html).
func (p *postgres) classify(err error) failure {
	if errors.Is(err, errReplica) {
		return failureUnreachable
	}
	var e *pq.Error
	if !errors.As(err, &e) {
		return failureOther
	}
	switch e.Code {
	case pqerror.QueryCanceled, // by our own deadline, or by an administrator
		pqerror.AdminShutdown, pqerror.CrashShutdown, pqerror.CannotConnectNow,
		pqerror.TooManyConnections, pqerror.LockNotAvailable:
		return failureUnreachable
	case pqerror.TRSerializationFailure:
		return failureConflict
	case pqerror.InvalidTextRepresentation, pqerror.NumericValueOutOfRange, pqerror.InvalidDatetimeFormat,
		pqerror.CharacterNotInRepertoire, pqerror.UntranslatableCharacter:
		return failureImpossible
	}
	if e.Code.Class() == pqerror.ClassConnectionException {
		return failureUnreachable
	}
	return failureOther
}

func (p *postgres) explainConnectError(err error) error {
	if errors.Is(err, pq.ErrSSLNotSupported) {
		return fmt.Errorf("the server does not speak TLS: add sslmode=disable, or sslmode=prefer, to database.url (%w)", err)
	}
	var e *pq.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code {
	case pqerror.InvalidPassword, pqerror.InvalidAuthorizationSpecification:
		return fmt.Errorf("the server refused the user %s: check user and password in database.url (%w)", p.config.User, err)
	case pqerror.InvalidCatalogName:
		return fmt.Errorf("the server has no such database: check the name in database.url (%w)", err)
	}
	return nil
}

package sessiondb_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// fixture is one real table, and a connection of its own to it: the session server's, as it were.
type fixture struct {
	shape

	t      *testing.T
	raw    *sql.DB
	config sessiondb.Config
	store  *sessiondb.Store
}

// onEveryShape runs a test against a fresh table of each shape.
func onEveryShape(t *testing.T, test func(f *fixture)) {
	t.Helper()
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(open(t, s))
		})
	}
}

// plainOf is the plain shape of PostgreSQL or SQLite.
func plainOf(t *testing.T, name string) shape {
	t.Helper()
	i := slices.IndexFunc(shapes(), func(s shape) bool { return s.name == name })
	if i < 0 {
		t.Fatalf("there is no shape %s", name)
	}
	return shapes()[i]
}

func open(t *testing.T, s shape) *fixture {
	t.Helper()
	f := create(t, s)
	store, err := sessiondb.Open(t.Context(), f.config)
	if err != nil {
		t.Fatalf("%s: %v", s.reason, err)
	}
	t.Cleanup(func() { closed(t, store) })
	f.store = store
	return f
}

// create makes the table but opens no store.
func create(t *testing.T, s shape) *fixture {
	t.Helper()
	if s.sqlite {
		return createIn(t, s, "file:"+filepath.Join(t.TempDir(), "data.db"))
	}
	return createIn(t, s, testenv.PostgresURL(t))
}

// createIn is create in a database that is there and empty.
func createIn(t *testing.T, s shape, database string) *fixture {
	t.Helper()
	f := &fixture{shape: s, t: t, config: sessiondb.DefaultConfig()}
	// What a test asks for at once may take long on a busy machine. What is about limits sets its own.
	f.config.Timing = sessiondb.Timing{Read: time.Minute, Write: time.Minute, Stream: time.Minute}
	f.config.Table, f.config.Columns = s.table, s.column
	f.config.TimeFormat = cmp.Or(s.format, f.config.TimeFormat)
	if s.sqlite {
		f.raw = connect(t, "sqlite", database+"?_busy_timeout=10000&_txlock=immediate")
	} else {
		f.raw = connect(t, "postgres", database)
	}
	for _, statement := range s.ddl {
		f.exec(statement)
	}
	f.config.URL = addQuery(t, database, s.query)
	return f
}

func addQuery(t *testing.T, to, query string) string {
	t.Helper()
	if query == "" {
		return to
	}
	if strings.HasPrefix(to, "file:") {
		return to + "?" + query
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = strings.Trim(u.RawQuery+"&"+query, "&")
	return u.String()
}

func connect(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, db) })
	return db
}

func closed(t *testing.T, c interface{ Close() error }) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func (f *fixture) exec(statement string, args ...any) {
	f.t.Helper()
	if _, err := f.raw.ExecContext(f.t.Context(), statement, args...); err != nil {
		f.t.Fatalf("%s: %v", statement, err)
	}
}

// quoted names the table for the raw connection.
func (f *fixture) quoted() string {
	if f.name == "postgres/prisma" {
		return `app."Session"`
	}
	return `"` + strings.TrimPrefix(f.table, "public.") + `"`
}

// insert writes a row as a session server would. A nil status or claim is NULL.
func (f *fixture) insert(id string, status, claim any) {
	f.t.Helper()
	f.exec(
		fmt.Sprintf(`INSERT INTO %s (id, "%s", "%s") VALUES ($1, $2, $3)`, f.quoted(), f.column.Status, f.column.ContainerID),
		id,
		status,
		claim,
	)
}

// stored reads a row past the store: what is really in the table.
func (f *fixture) stored(id string) (status, claim sql.NullString) {
	f.t.Helper()
	query := fmt.Sprintf(`SELECT "%s", "%s" FROM %s WHERE id = $1`, f.column.Status, f.column.ContainerID, f.quoted())
	if err := f.raw.QueryRowContext(f.t.Context(), query, id).Scan(&status, &claim); err != nil {
		f.t.Fatalf("%s: %v", query, err)
	}
	claim.String = strings.TrimRight(claim.String, " ") // char(n) pads
	return status, claim
}

func (f *fixture) get(id string) sessiondb.Row {
	f.t.Helper()
	row, err := f.store.Get(f.t.Context(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	return row
}

// collect reads a stream to its end.
func collect(ctx context.Context, s *sessiondb.Store) (rows []sessiondb.Row, err error) {
	for row, err := range s.Claiming(ctx) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return sorted(rows), nil
}

func sorted(rows []sessiondb.Row) []sessiondb.Row {
	slices.SortFunc(rows, func(a, b sessiondb.Row) int { return cmp.Compare(a.ID, b.ID) })
	return rows
}

// awaitBlocked waits until a statement in this test's PostgreSQL database waits for a lock.
func (f *fixture) awaitBlocked() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var waiting int
		err := f.raw.QueryRowContext(
			ctx,
			`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
		).Scan(
			&waiting,
		)
		if err != nil {
			f.t.Fatalf("no statement came to wait for a lock: %v", err)
		}
		if waiting > 0 {
			return
		}
		<-tick.C
	}
}

// fill runs one statement of an example.
func fill(ctx context.Context, url, statement string) {
	db, err := sql.Open("sqlite", url)
	if err != nil {
		panic(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		panic(err)
	}
}

// slow makes the table a view of a hundred rows, more than the server keeps back before it sends, and then one that
// takes a minute.
func (f *fixture) slow() {
	f.t.Helper()
	f.exec(`CREATE VIEW slow AS SELECT 's' || i AS id, 'ACTIVE' AS status,
		repeat('c', 1000) || CASE WHEN i > 100 THEN pg_sleep(60)::text ELSE '' END AS container_id
		FROM generate_series(1, 101) i`)
	f.exec(`CREATE RULE slow AS ON UPDATE TO slow DO INSTEAD NOTHING`)
	f.config.Table = "slow"
}

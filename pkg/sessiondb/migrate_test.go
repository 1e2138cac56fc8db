package sessiondb_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// objects are all relations, triggers, functions and schemas of a database, apart from the system's own.
func (f *fixture) objects() (all []string) {
	f.t.Helper()
	query := `SELECT 'relation ' || n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n
			ON n.oid = c.relnamespace WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
		UNION SELECT 'trigger ' || t.tgrelid::regclass || ' ' || t.tgname FROM pg_trigger t
		UNION SELECT 'function ' || n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
			WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' ORDER BY 1`
	if f.sqlite {
		query = `SELECT type || ' ' || name FROM sqlite_schema ORDER BY 1`
	}
	rows, err := f.raw.QueryContext(f.t.Context(), query)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			f.t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		f.t.Fatal(err)
	}
	return all
}

func done(steps []sessiondb.Step) (n int) {
	for _, step := range steps {
		if step.Done {
			n++
		}
	}
	return n
}

func TestMigrateInstallsOnceAndUninstallTakesExactlyThatAway(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		before := f.objects()
		steps := f.migrate(sessiondb.MigrateOptions{})
		if done(steps) != len(steps) {
			t.Errorf("the first time: %+v, want every step done", steps)
		}
		installed := f.objects()
		if want := len(before) + map[bool]int{true: 1, false: 3 + 7}[f.sqlite]; len(installed) != want {
			t.Errorf("installed: %q, want %d objects", installed, want)
		}
		if steps := f.migrate(sessiondb.MigrateOptions{}); done(steps) != 0 {
			t.Errorf("the second time: %+v, want nothing done", steps)
		}
		if diff := gocmp.Diff(installed, f.objects()); diff != "" {
			t.Errorf("the second time something changed (-before +after):\n%s", diff)
		}
		f.migrate(sessiondb.MigrateOptions{Uninstall: true})
		if diff := gocmp.Diff(before, f.objects()); diff != "" {
			t.Errorf("after uninstalling (-before +after):\n%s", diff)
		}
		if steps := f.migrate(sessiondb.MigrateOptions{Uninstall: true}); done(steps) != 0 {
			t.Errorf("uninstalled again: %+v, want nothing done", steps)
		}
	})
}

func TestWhatIsPrintedDoesWhatMigrateDoes(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		for _, tc := range []struct {
			opts   sessiondb.MigrateOptions
			reason string
		}{
			{sessiondb.MigrateOptions{}, "installed by hand, migrate finds nothing left to do"},
			{sessiondb.MigrateOptions{Uninstall: true}, "uninstalled by hand, uninstall finds nothing left to do"},
		} {
			statements, err := sessiondb.Statements(f.config, tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				for _, statement := range statements {
					// As psql would with the schema of the URL.
					if strings.Contains(f.config.URL, "schema=app") {
						statement = strings.ReplaceAll(statement, "IF EXISTS \"session_c", "IF EXISTS app.\"session_c")
					}
					f.exec(statement)
				}
			}
			if steps := f.migrate(tc.opts); done(steps) != 0 {
				t.Errorf("%s: %+v", tc.reason, steps)
			}
		}
	})
}

func TestStatementsWithTheSessionsTable(t *testing.T) {
	t.Parallel()
	for kind, at := range emptyDatabases(t) {
		cfg := sessiondb.DefaultConfig()
		cfg.URL = at
		statements, err := sessiondb.Statements(cfg, sessiondb.MigrateOptions{SessionsTable: true})
		if err != nil {
			t.Fatal(err)
		}
		db := connect(t, kind, at)
		for _, statement := range statements {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Errorf("%s: %s: %v", kind, statement, err)
			}
		}
		steps, err := sessiondb.Migrate(t.Context(), cfg, sessiondb.MigrateOptions{SessionsTable: true})
		if err != nil || done(steps) != 0 {
			t.Errorf("%s: after the printed statements Migrate does %+v, %v; want nothing", kind, steps, err)
		}
	}
}

func TestMigrateMakesTheTableToo(t *testing.T) {
	t.Parallel()
	for kind, at := range emptyDatabases(t) {
		cfg := sessiondb.DefaultConfig()
		cfg.URL = at
		steps, err := sessiondb.Migrate(t.Context(), cfg, sessiondb.MigrateOptions{SessionsTable: true})
		if err != nil || done(steps) != len(steps) || steps[0].Object != "table sessions" {
			t.Errorf("%s: %+v, %v; want everything done, the table first", kind, steps, err)
		}
		_, err = sessiondb.Migrate(t.Context(), cfg, sessiondb.MigrateOptions{SessionsTable: true, Uninstall: true})
		if err == nil || !strings.Contains(err.Error(), "never dropped") {
			t.Errorf("%s: %v, want it to refuse to drop a table", kind, err)
		}
	}
}

func TestMigrateRepairs(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "postgres/plain"))
	f.migrate(sessiondb.MigrateOptions{})
	for _, tc := range []struct{ reason, damage string }{
		{"a disabled trigger", `ALTER TABLE sessions DISABLE TRIGGER session_controller_notify`},
		{"a trigger of other columns", `DROP TRIGGER session_controller_notify ON sessions;
			CREATE TRIGGER session_controller_notify AFTER UPDATE OF status ON sessions
			FOR EACH ROW EXECUTE PROCEDURE suppress_redundant_updates_trigger()`},
		{"an index that was broken off", `UPDATE pg_index SET indisvalid = false
			WHERE indexrelid = 'session_controller_claim_sessions'::regclass`},
	} {
		f.exec(tc.damage)
		if steps := f.migrate(sessiondb.MigrateOptions{}); done(steps) != 1 {
			t.Errorf("%s: %+v, want one step done", tc.reason, steps)
		}
		if steps := f.migrate(sessiondb.MigrateOptions{}); done(steps) != 0 {
			t.Errorf("%s: %+v, want it repaired", tc.reason, steps)
		}
	}
}

func TestMigrateTakesAnIndexThatIsThere(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		f.exec(fmt.Sprintf(`CREATE INDEX mine ON %s ("%s")`, f.quoted(), f.column.ContainerID))
		steps := f.migrate(sessiondb.MigrateOptions{})
		if !slices.Contains(steps, sessiondb.Step{Object: "index mine"}) {
			f.t.Errorf("%+v, want the user's own index to be enough", steps)
		}
		f.migrate(sessiondb.MigrateOptions{Uninstall: true})
		if !strings.Contains(fmt.Sprint(f.objects()), "mine") {
			f.t.Error("uninstall dropped an index of the user's")
		}
	})
}

func TestTwoMigrateAtOnce(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := sessiondb.Migrate(f.t.Context(), f.config, sessiondb.MigrateOptions{}); err != nil {
					f.t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// Who holds the lock builds an index, which waits for every transaction that is at a statement just then, to its end.
func TestAMigrationWaitsForAnotherWithoutATransaction(t *testing.T) {
	t.Parallel()
	f := create(t, plainOf(t, "postgres/plain"))
	holder, err := f.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Rollback() }()
	if _, err := holder.ExecContext(t.Context(),
		`SELECT pg_advisory_xact_lock(hashtext('session-controller migrate'))`); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error)
	go func() {
		_, err := sessiondb.Migrate(t.Context(), f.config, sessiondb.MigrateOptions{})
		migrated <- err
	}()
	sees := func(condition string) func() bool {
		return func() (holds bool) {
			if err := f.raw.QueryRowContext(t.Context(), `SELECT count(*) = 1 FROM pg_stat_activity WHERE `+
				`datname = current_database() AND query ~ 'pg_try_advisory|ROLLBACK' AND pid <> pg_backend_pid() `+
				`AND `+condition).Scan(&holds); err != nil {
				t.Fatal(err)
			}
			return holds
		}
	}
	f.within(sees(`true`))
	f.within(sees(`xact_start IS NULL`))
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Error(err)
	}
}

// A transaction of another isolation keeps the snapshot of its first statement, and an index that is built beside it
// waits for its end.
func TestAMigrationIsNotHeldUpByTheIsolationThatIsUsual(t *testing.T) {
	t.Parallel()
	for _, level := range []string{`repeatable%5C%20read`, "serializable"} {
		s := plainOf(t, "postgres/plain")
		s.query = "options=-c%20default_transaction_isolation%3D" + level
		f := create(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, uninstall := range []bool{false, true} {
			if _, err := sessiondb.Migrate(ctx, f.config, sessiondb.MigrateOptions{Uninstall: uninstall}); err != nil {
				t.Errorf("%s, uninstall %t: %v", level, uninstall, err)
			}
		}
	}
}

func TestWhatCannotBeMigratedIsExplained(t *testing.T) {
	t.Parallel()
	plain := plainOf(t, "postgres/plain")
	for _, tc := range []struct {
		reason, ddl, want string
		role              bool
	}{
		{"a view has no triggers after a row", `ALTER TABLE sessions RENAME TO base;
			CREATE VIEW sessions AS SELECT * FROM base`, "name the table below it", false},
		{"no table", `DROP TABLE sessions`, "there is no table sessions", false},
		{"a role that may only read and write", ``, "migrate --print", true},
	} {
		f := create(t, plain)
		f.exec(tc.ddl)
		if tc.role {
			f.exec(`GRANT SELECT, UPDATE ON sessions TO ` + f.role())
		}
		_, err := sessiondb.Migrate(t.Context(), f.config, sessiondb.MigrateOptions{})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want it to say %q", tc.reason, err, tc.want)
		}
	}
}

func TestAPartitionedTable(t *testing.T) {
	t.Parallel()
	s := plainOf(t, "postgres/plain")
	s.ddl = []string{
		`CREATE TABLE sessions (id text PRIMARY KEY, status text, container_id text) PARTITION BY HASH (id)`,
		`CREATE TABLE sessions_0 PARTITION OF sessions FOR VALUES WITH (MODULUS 1, REMAINDER 0)`,
	}
	f := open(t, s)
	f.migrate(sessiondb.MigrateOptions{})
	h := f.follow(0)
	h.expect("connected", "notify up", "gap")
	f.insert("a", "ACTIVE", "x")
	h.expect("a partition's rows are told of by the table's trigger", "change a")
	f.migrate(sessiondb.MigrateOptions{Uninstall: true})
}

func TestLongNamesStayDifferent(t *testing.T) {
	t.Parallel()
	f := create(t, plainOf(t, "postgres/plain"))
	for _, end := range []string{"one", "two"} {
		f.config.Table = strings.Repeat("é", 28) + end
		if steps := f.migrate(sessiondb.MigrateOptions{SessionsTable: true}); done(steps[:3]) != 3 {
			t.Errorf("%+v, want table, trigger and index each of its own", steps)
		}
		if steps := f.migrate(sessiondb.MigrateOptions{}); done(steps) != 0 {
			t.Errorf("%+v, want nothing left to do: the name of the index was another table's", steps)
		}
	}
}

package sessiondb

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
)

// FuzzNamesInSQLite makes the reference table under any names that pass and runs statements on it: a name that ended
// its quotes would be an error, or show in the schema.
func FuzzNamesInSQLite(f *testing.F) {
	f.Add("sessions", "id", "status", "container_id", "updated_at", "east")
	f.Add("app.Session", "rowid", "STATUS", "a`b", "`", "it's")
	f.Add("t` (x); DROP TABLE y; --", "id\"", "[status]", "claim'", "x\\", "'; --")
	f.Add("select", "oid", "_rowid_", "é", "É", "\\'")
	f.Add("sqlite", "k", "\u212a", " id", "id ", "\xff")
	f.Add("sessions\xff", "\xfe", "a\nb", "?1", "$1", "%s")
	f.Add("SQLite_x", "id", "status", "c", "", "")
	f.Add("Sessions", "id", "Id", "c", "", "")
	f.Add("0", "0", "1", "2", "", "")
	f.Fuzz(func(t *testing.T, name, id, status, claim, more, node string) {
		cfg := DefaultConfig()
		cfg.URL, cfg.Table = "file:data.db", name
		cfg.Columns = Columns{ID: id, Status: status, ContainerID: claim, UpdatedAt: more}
		if node != "" {
			cfg.Columns.Node, cfg.Node = more+"node", node
		}
		// The one prefix that SQLite keeps for itself.
		if cfg.Validate() != nil || strings.HasPrefix(strings.ToLower(name), "sqlite_") {
			return
		}
		columns := given(id, status, claim, more, cfg.Columns.Node)
		db := inMemory(t)
		s := tableIn(t, db, cfg, columns)
		if s == nil {
			return
		}
		if got := list(t, db, "SELECT name FROM sqlite_schema WHERE sql IS NOT NULL"); !slices.Equal(got, []string{name}) {
			t.Errorf("the schema holds %q, want the table %q alone", got, name)
		}
		if got := list(t, db, "SELECT name FROM pragma_table_xinfo(?1)", name); !slices.Equal(got, columns) {
			t.Errorf("the columns are %q, want %q", got, columns)
		}
		quoted := make([]string, len(columns))
		for i, column := range columns {
			quoted[i] = quoteSQLite(column)
		}
		db.MustExec("INSERT INTO " + s.table.quoted + " (" + strings.Join(quoted[:3], ", ") +
			") VALUES ('7', 'ACTIVE', 'old')")
		if node != "" {
			db.MustExec("UPDATE "+s.table.quoted+" SET "+quoted[len(quoted)-1]+" = ?1", node)
		}
		row, err := s.Get(t.Context(), "7")
		want := Row{ID: "7", Status: "ACTIVE", Kind: StatusLive, Claim: "old", Node: node}
		if diff := cmp.Diff(want, row); err != nil || diff != "" {
			t.Fatalf("Get: error %v, row (-want +got):\n%s", err, diff)
		}
		if row, err = s.SetClaim(t.Context(), row, "new"); err != nil || row.Claim != "new" {
			t.Errorf("SetClaim: %+v, error %v, want the claim new", row, err)
		}
		// The claim is looked for together with the node, which is a constant in the statement.
		for row, err := range s.Claiming(t.Context()) {
			if err != nil || row.ID != "7" {
				t.Errorf("Claiming: %+v, error %v, want session 7", row, err)
			}
		}
	})
}

// tableIn makes the reference table and the store on it. It returns nil where SQLite takes two of the columns for one,
// which the mapping has to say, too.
func tableIn(t *testing.T, db *sqlx.DB, cfg Config, columns []string) *Store {
	t.Helper()
	seen := table{found: true, same: sameInSQLite, rowid: "rowid", unique: []string{cfg.Columns.ID}}
	for _, name := range columns {
		seen.columns = append(seen.columns, column{name: name, class: classText})
	}
	refused := judge(cfg, seen)
	if _, err := db.ExecContext(t.Context(), (&sqliteFile{}).createStatement(cfg)); (err == nil) != (refused == nil) {
		t.Fatalf("SQLite says %v, and the mapping %v", err, refused)
	} else if err != nil {
		return nil
	}
	return onTable(t, db, cfg)
}

// onTable is the store on a table that is there.
func onTable(t *testing.T, db *sqlx.DB, cfg Config) *Store {
	t.Helper()
	backend := &sqliteFile{path: "/data.db"}
	found, err := backend.look(t.Context(), db, cfg)
	if err := errors.Join(err, judge(cfg, found)); err != nil {
		t.Fatalf("the table is not found as it should be: %v", err)
	}
	return &Store{
		backend: backend, statuses: cfg.Statuses, config: cfg, table: found, read: db, write: db,
		sql: build(backend.dialect(), found, cfg), timing: cfg.Timing.withDefaults(),
	}
}

// inMemory is a database of its own, which lives as long as its one connection.
func inMemory(t *testing.T) *sqlx.DB {
	t.Helper()
	db, err := sqlx.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func list(t *testing.T, db *sqlx.DB, query string, args ...any) (values []string) {
	t.Helper()
	if err := db.SelectContext(t.Context(), &values, query, args...); err != nil {
		t.Fatal(err)
	}
	return values
}

// FuzzNamesInPostgres reads what was quoted by the rules of SQL, and expects the names and nothing behind them.
func FuzzNamesInPostgres(f *testing.F) {
	f.Add("sessions", "", "id", "container_id")
	f.Add("app.Session", "My App", "a\"b", "\"")
	f.Add("t\"; DROP TABLE x; --", `x"."y`, "$session_controller$", "END\n$session_controller_1$; --")
	f.Add("\".\"", `"`, "$session_controller", "$1")
	f.Add("é.\xff", "", " ", "\\")
	f.Add("sessions", "a\x00b", "id", "claim")
	f.Fuzz(func(t *testing.T, name, schema, id, claim string) {
		cfg := DefaultConfig()
		cfg.URL, cfg.Table = "postgres://h/db?schema="+url.QueryEscape(schema), name
		cfg.Columns.ID, cfg.Columns.ContainerID = id, claim
		if cfg.Validate() != nil {
			return
		}
		p, err := parsePostgres(cfg)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{schema, name}
		if before, after, split := strings.Cut(name, "."); split {
			want = []string{before, after}
		}
		if want[0] == "" {
			want = want[1:]
		}
		o := newPostgresObjects(p.name(cfg), cfg)
		checkIdentifiers(t, p.name(cfg), want)
		checkIdentifiers(t, strings.TrimPrefix(o.dropTrigger(), "DROP TRIGGER IF EXISTS "+triggerName+" ON "), want)
		index := slices.Concat(want[:len(want)-1], []string{indexName(want[len(want)-1])})
		checkIdentifiers(t, strings.TrimPrefix(o.dropIndex(true), "DROP INDEX IF EXISTS "), index)

		// A string between two equal tags has nothing escaped in it: the tag must come twice, and last.
		_, quoted, _ := strings.Cut(o.createFunction(), " AS ")
		tag := quoted[:strings.Index(quoted[1:], "$")+2]
		if strings.Count(quoted, tag) != 2 || !strings.HasSuffix(quoted, tag) || strings.Trim(quoted, tag) == "" {
			t.Errorf("the function is not one string between the tags %s: %s", tag, quoted)
		}
		if body := strings.TrimSuffix(strings.TrimPrefix(quoted, tag), tag); body != o.body() {
			t.Errorf("the function is\n%s\nwant\n%s", body, o.body())
		}
		checkStatements(t, p, cfg, want)
	})
}

// checkStatements holds all that is sent for a mapping against the same with names that need no quotes: where one of
// the names ended its quotes, more than a name would be another.
func checkStatements(t *testing.T, p *postgres, cfg Config, name []string) {
	t.Helper()
	// The same column twice would not pass; where that is so, the fuzzer has other names to try.
	id, claim := cfg.Columns.ID, cfg.Columns.ContainerID
	cfg.Columns = Columns{
		ID: id, Status: id + claim, ContainerID: claim, UpdatedAt: "u" + id, Reason: claim + "r", CreatedAt: "c" + claim,
		Node: id + "n",
	}
	cfg.Node, cfg.NotifyChannel = "east", "failed"
	if cfg.Validate() != nil {
		return
	}
	plain := cfg
	plain.Table = "t"
	if len(name) > 1 {
		plain.Table = "s.t"
	}
	plain.Columns = Columns{
		ID: "id", Status: "status", ContainerID: "claim", UpdatedAt: "updated", Reason: "reason", CreatedAt: "created",
		Node: "node",
	}
	last := name[len(name)-1]
	names := map[string]string{
		"s": name[0], "t": last, indexName("t"): indexName(last), "id": id, "status": cfg.Columns.Status, "claim": claim,
		"updated": cfg.Columns.UpdatedAt, "reason": cfg.Columns.Reason, "created": cfg.Columns.CreatedAt,
		"node": cfg.Columns.Node,
	}
	objects := newPostgresObjects(p.name(cfg), cfg)
	model := statementsOf(&postgres{}, plain, objects)
	for i, sql := range statementsOf(p, cfg, objects) {
		wantRest, wantNames := identifiersOf(t, model[i])
		for n, known := range wantNames {
			if renamed, ok := names[known]; ok { // the lists of updateSeveral have names of their own
				wantNames[n] = renamed
			}
		}
		rest, got := identifiersOf(t, sql)
		if diff := cmp.Diff(wantNames, got); rest != wantRest || diff != "" {
			t.Errorf("%s\nis %s without its names, want %s; names (-want +got):\n%s", sql, rest, wantRest, diff)
		}
	}
}

// statementsOf returns every statement with names in it, but for what the objects of a table are called.
func statementsOf(p *postgres, cfg Config, called postgresObjects) []string {
	o := newPostgresObjects(p.name(cfg), cfg)
	o.function, o.channel = called.function, called.channel
	s := build(p.dialect(), table{quoted: p.name(cfg)}, cfg)
	cfg.NotifyChannel = ""
	quiet := build(p.dialect(), table{quoted: p.name(cfg)}, cfg)
	return []string{
		o.body(), o.createTrigger(), o.dropTrigger(), o.createIndex(false), o.createIndex(true), o.dropIndex(false),
		o.dropIndex(true), p.createStatement(cfg),
		s.get, s.gets, s.claiming, s.ended, s.claimants, s.hasRows, s.unknown, s.setClaim, s.setClaims,
		s.fail, s.fails, quiet.fail, quiet.fails,
	}
}

// identifiersOf takes the identifiers out of a statement. Strings stay where they are.
func identifiersOf(t *testing.T, sql string) (rest string, names []string) {
	t.Helper()
	for {
		i := strings.IndexAny(sql, `"'`)
		if i < 0 {
			return rest + sql, names
		}
		rest, sql = rest+sql[:i+1], sql[i:]
		if sql[0] == '\'' {
			text, after, _ := strings.Cut(sql[1:], "'")
			rest, sql = rest+text+"'", after
			continue
		}
		name, after, ok := unquote(sql)
		if !ok {
			t.Errorf("an identifier has no end: %s", sql)
			return rest + sql, names
		}
		names, sql = append(names, name), after
	}
}

// checkIdentifiers reads "a"."b" up to its end.
func checkIdentifiers(t *testing.T, quoted string, want []string) {
	t.Helper()
	var got []string
	for rest := quoted; ; {
		name, after, ok := unquote(rest)
		if !ok {
			t.Errorf("%s is no list of identifiers, want %q", quoted, want)
			return
		}
		got = append(got, name)
		if after == "" {
			break
		}
		if rest, ok = strings.CutPrefix(after, "."); !ok {
			t.Errorf("%s goes on behind its identifiers, want %q", quoted, want)
			return
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", quoted, diff)
	}
}

// unquote reads one identifier in double quotes; two of them are one that belongs to the name.
func unquote(quoted string) (name, rest string, ok bool) {
	rest, ok = strings.CutPrefix(quoted, `"`)
	for ok {
		var part string
		part, rest, ok = strings.Cut(rest, `"`)
		name += part
		if !ok || !strings.HasPrefix(rest, `"`) {
			return name, rest, ok && !strings.ContainsRune(name, 0)
		}
		name, rest = name+`"`, rest[1:]
	}
	return "", "", false
}

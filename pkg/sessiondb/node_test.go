package sessiondb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// onEveryNode runs a test against a table of each shape with a column for the node, served for the node "it's a".
func onEveryNode(t *testing.T, test func(f *fixture)) {
	t.Helper()
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := create(t, s)
			f.exec(fmt.Sprintf(`ALTER TABLE %s ADD COLUMN host varchar(20)`, f.quoted()))
			f.config.Columns.Node, f.config.Node = "host", "it's a"
			f.open()
			test(f)
		})
	}
}

func TestOnlyTheRowsOfTheNodeAreStreamedAndPolled(t *testing.T) {
	t.Parallel()
	onEveryNode(t, func(f *fixture) {
		t := f.t
		for n, node := range []any{"it's a", "b", nil, "it's a"} {
			f.insert(f.id(n), "TERMINATED", fmt.Sprint("claim-", n))
			f.set(f.id(n), "host", node)
		}
		rows, err := collect(t.Context(), f.store)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff([]sessiondb.Row{f.get(f.id(0)), f.get(f.id(3))}, rows); diff != "" {
			t.Errorf("the rows that are streamed (-want +got):\n%s", diff)
		}
		others, err := f.store.Claimants(t.Context(), []string{"claim-0", "claim-1", "claim-2"})
		if err != nil || len(others) != 3 {
			t.Errorf("claimants %+v, %v; want those of every node, or a container of two could be lost", others, err)
		}
		if row := f.get(f.id(1)); row.Node != "b" || row.NodeNull {
			t.Errorf("another node's row is read as %+v", row)
		}
		if row := f.get(f.id(2)); row.Node != "" || !row.NodeNull {
			t.Errorf("a row without a node is read as %+v", row)
		}
		h := f.follow(5 * time.Millisecond)
		h.expect("the poll sees no other node's", "change "+f.id(0), "change "+f.id(3), "poll up")
	})
}

func TestAWriteNamesTheNodeThatWasRead(t *testing.T) {
	t.Parallel()
	onEveryNode(t, func(f *fixture) {
		t := f.t
		for n, change := range []struct{ before, after any }{{"it's a", "b"}, {"it's a", nil}, {nil, "it's a"}, {"", nil}} {
			id := f.id(n)
			f.insert(id, "ACTIVE", "x")
			f.set(id, "host", change.before)
			row := f.get(id)
			f.set(id, "host", change.after)
			if _, err := f.store.Fail(t.Context(), row, died()); !errors.Is(err, sessiondb.ErrConflict) {
				t.Errorf("the node became %v from %v: Fail = %v, want ErrConflict", change.after, change.before, err)
			}
			if _, err := f.store.Release(t.Context(), f.get(id)); err != nil {
				t.Errorf("read again with the node %v: %v", change.after, err)
			}
		}
	})
}

func TestNotificationsOfOtherNodesAreNotPassedOn(t *testing.T) {
	t.Parallel()
	f := create(t, plainOf(t, "postgres/plain"))
	f.exec(`ALTER TABLE sessions ADD COLUMN host text`)
	f.config.Columns.Node, f.config.Node = "host", "a"
	f.open()
	f.migrate(sessiondb.MigrateOptions{})
	h := f.follow(time.Hour)
	h.expect("connected", "notify up", "gap")
	f.exec(`INSERT INTO sessions VALUES ('1', 'ACTIVE', 'x', 'b'), ('2', 'ACTIVE', 'x', NULL), ('3', 'ACTIVE', 'x', 'a')`)
	h.expect("only the node's own", "change 3")
}

func TestNodeAndColumnGoTogether(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ node, column, want string }{
		{"a", "", "docker.node is set and database.columns.node is not"},
		{"", "host", "database.columns.node is set and docker.node is not"},
	} {
		cfg := sessiondb.DefaultConfig()
		cfg.URL, cfg.Node, cfg.Columns.Node = "file:data.db", tc.node, tc.column
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v, want it to say %q", err, tc.want)
		}
	}
	f := create(t, plainOf(t, "postgres/plain"))
	f.exec(`ALTER TABLE sessions ADD COLUMN host integer`)
	f.config.Columns.Node, f.config.Node = "host", "a"
	if _, err := sessiondb.Open(t.Context(), f.config); err == nil || !strings.Contains(err.Error(), "a node is a name") {
		t.Errorf("a number for a node: %v", err)
	}
}

func TestCreatedAtIsReadInEveryFormat(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 23, 9, 40, 47, 284_000_000, time.UTC)
	for _, tc := range []struct {
		database, format, typ string
		value                 any
		want                  time.Time
	}{
		{"postgres", "timestamp", "timestamptz", "2026-11-23 10:40:47.284+01", want},
		{"postgres", "timestamp", "timestamp", "2026-11-23 09:40:47.284", want},
		{"postgres", "timestamp", "timestamptz", "infinity", time.Time{}},
		{"postgres", "unix", "bigint", want.Unix(), want.Truncate(time.Second)},
		{"postgres", "unixMilli", "bigint", want.UnixMilli(), want},
		{"postgres", "unix", "bigint", nil, time.Time{}},
		{"sqlite", "timestamp", "TEXT", "2026-11-23 09:40:47", want.Truncate(time.Second)},
		{"sqlite", "timestamp", "TEXT", "2026-11-23T09:40:47.284Z", want},
		{"sqlite", "timestamp", "TEXT", "yesterday", time.Time{}},
		{"sqlite", "unix", "INTEGER", want.Unix(), want.Truncate(time.Second)},
		{"sqlite", "unixMilli", "INTEGER", want.UnixMilli(), want},
		{"sqlite", "unixMilli", "INTEGER", nil, time.Time{}},
	} {
		f := create(t, plainOf(t, tc.database+"/plain"))
		f.exec(`ALTER TABLE sessions ADD COLUMN made ` + tc.typ)
		f.config.Columns.CreatedAt, f.config.TimeFormat = "made", tc.format
		f.config.URL = addQuery(t, f.config.URL, map[string]string{"postgres": "timezone=Asia%2FTokyo"}[tc.database])
		f.open()
		f.insert("a", "ACTIVE", "x")
		f.set("a", "made", tc.value)
		row := f.get("a")
		if row.CreatedAt != tc.want {
			t.Errorf("%s %s %v: read as %v, want %v", tc.database, tc.typ, tc.value, row.CreatedAt, tc.want)
		}
		if failed, err := f.store.Fail(t.Context(), row, died()); err != nil || failed.CreatedAt != tc.want {
			t.Errorf("%s %s %v: after a write %v, %v", tc.database, tc.typ, tc.value, failed.CreatedAt, err)
		}
	}
}

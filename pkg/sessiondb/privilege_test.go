package sessiondb_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// role makes a role that may log in nowhere and do nothing; the URL's role parameter makes a connection act as it.
func (f *fixture) role() string {
	f.t.Helper()
	name := "role_" + strings.ToLower(rand.Text()[:12])
	f.exec("CREATE ROLE " + name)
	f.t.Cleanup(func() {
		for _, statement := range []string{"DROP OWNED BY " + name, "DROP ROLE " + name} {
			if _, err := f.raw.Exec(statement); err != nil { //nolint:noctx // the test's context has ended
				f.t.Errorf("%s: %v", statement, err)
			}
		}
	})
	f.config.URL = addQuery(f.t, f.config.URL, "role="+name)
	return name
}

func TestAMissingPrivilegeIsNamedAsTheGrantThatGivesIt(t *testing.T) {
	t.Parallel()
	s := plainOf(t, "postgres/plain")
	s.ddl = []string{
		`CREATE TABLE sessions (id text PRIMARY KEY, status text, container_id text, changed timestamptz, secret text)`,
	}
	s.column = withUpdatedAt()
	f := create(t, s)
	role := f.role()
	refused := func(want ...string) {
		t.Helper()
		store, err := sessiondb.Open(t.Context(), f.config)
		if err == nil {
			closed(t, store)
			t.Fatalf("Open succeeded, want a sentence with %q", want)
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%v\ndoes not say %q", err, part)
			}
		}
	}
	refused(
		role,
		`GRANT SELECT ("id", "status", "container_id"), UPDATE ("status", "container_id", "changed") `+
			`ON "public"."sessions" TO "`+role+`"`,
	)
	f.exec(`GRANT SELECT (id, status, container_id) ON sessions TO ` + role)
	refused(`GRANT UPDATE ("status", "container_id", "changed") ON`)
	f.exec(`GRANT UPDATE (status, container_id, changed) ON sessions TO ` + role)

	store, err := sessiondb.Open(t.Context(), f.config)
	if err != nil {
		t.Fatalf("with exactly the privileges that were named: %v", err)
	}
	defer closed(t, store)
	f.insert("a", "ACTIVE", "x")
	row, err := store.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Fail(t.Context(), row, sessiondb.Failure{}); err != nil {
		t.Errorf("a write with exactly the privileges that were named: %v", err)
	}
}

func TestASchemaThatMayNotBeUsedIsNamed(t *testing.T) {
	t.Parallel()
	f := create(t, plainOf(t, "postgres/prisma"))
	f.config.Table = "app.Session"
	role := f.role()
	store, err := sessiondb.Open(t.Context(), f.config)
	if err == nil {
		closed(t, store)
		t.Fatal("Open succeeded")
	}
	if !strings.Contains(err.Error(), "GRANT USAGE ON SCHEMA") || !strings.Contains(err.Error(), role) {
		t.Errorf("%v\ndoes not name the GRANT and the role", err)
	}
}

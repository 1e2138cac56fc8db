// Package sql executes the statements of docs/integrating.md.
package sql

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"

	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// documented are the statements of the page, in its order, without what is only commented on.
func documented(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/integrating.md")
	if err != nil {
		t.Fatal(err)
	}
	var statements []string
	for _, block := range regexp.MustCompile("(?ms)^```sql\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
		text := regexp.MustCompile(`(?m)^\s*--.*$`).ReplaceAllString(block[1], "")
		for statement := range strings.SplitSeq(text, ";") {
			if statement = strings.TrimSpace(statement); statement != "" {
				statements = append(statements, statement)
			}
		}
	}
	return statements
}

// TestTheStatementsDoWhatThePageSays plays the page from top to bottom with one session. A statement that is added to
// the page must be added here.
func TestTheStatementsDoWhatThePageSays(t *testing.T) {
	t.Parallel()
	first, second := strings.Repeat("a", 64), strings.Repeat("b", 64)
	steps := []struct {
		begins string
		hits   int64  // rows
		row    string // "status claim" afterwards
		before string // what somebody else does first
	}{
		{begins: "INSERT INTO sessions", hits: 1, row: "ACTIVE NULL"},
		{begins: "UPDATE sessions SET container_id", hits: 1, row: "ACTIVE " + first},
		{begins: "UPDATE sessions SET status = 'TERMINATED'", hits: 1, row: "TERMINATED " + first},
		// While the claim is not cleared the row must stay, or nobody finds the container.
		{begins: "DELETE FROM sessions", hits: 0, row: "TERMINATED " + first},
		{begins: "UPDATE sessions SET status = 'ACTIVE', container_id", hits: 1, row: "ACTIVE " + second},
		// The controller has failed the session since it was read.
		{
			begins: "UPDATE sessions SET status = 'IDLE'", hits: 0, row: "ERROR " + second,
			before: `UPDATE sessions SET status = 'ERROR'`,
		},
		{begins: "LISTEN", row: "ERROR " + second},
	}
	statements := documented(t)
	if len(statements) != len(steps) {
		t.Fatalf("the page has %d statements, and %d are tried:\n%s", len(statements), len(steps),
			strings.Join(statements, "\n"))
	}
	for driver, url := range map[string]string{
		"postgres": testenv.PostgresURL(t), "sqlite": "file:" + filepath.Join(t.TempDir(), "s.db"),
	} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			cfg := sessiondb.DefaultConfig()
			cfg.URL = url
			if _, err := sessiondb.CreateSessionsTable(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open(driver, url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			claim := first
			for i, step := range steps {
				statement := statements[i]
				if !strings.HasPrefix(statement, step.begins) {
					t.Fatalf("the page has %q where %q is expected", statement, step.begins)
				}
				if step.before != "" {
					exec(t, db, step.before)
				}
				if step.begins == "LISTEN" && driver == "sqlite" {
					continue
				}
				args := []any{"s1", claim}[:strings.Count(statement, "$")]
				if driver == "sqlite" {
					statement = strings.ReplaceAll(statement, "$", "?")
				}
				if hits := exec(t, db, statement, args...); hits != step.hits {
					t.Errorf("%s: %d rows, want %d", statement, hits, step.hits)
				}
				var row string
				err := db.QueryRowContext(t.Context(),
					`SELECT status || ' ' || coalesce(container_id, 'NULL') FROM sessions`).Scan(&row)
				if err != nil || row != step.row {
					t.Errorf("after %s the row is %q (%v), want %q", statement, row, err, step.row)
				}
				if strings.Contains(statement, "container_id =") {
					claim = second
				}
			}
		})
	}
}

func exec(t *testing.T, db *sql.DB, statement string, args ...any) int64 {
	t.Helper()
	result, err := db.ExecContext(t.Context(), statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	hits, err := result.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

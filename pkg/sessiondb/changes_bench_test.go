package sessiondb

import (
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

// BenchmarkPoll is one poll of a table of 100,000 rows of which 1,000 claim something and have not ended, with and
// without the index on the claim.
func BenchmarkPoll(b *testing.B) {
	for _, database := range []struct{ name, fill string }{
		{"postgres", `INSERT INTO sessions SELECT 's' || i, CASE WHEN i % 100 = 0 THEN 'ACTIVE' ELSE 'TERMINATED' END,
			CASE WHEN i % 100 = 0 THEN 'claude-work-' || i END FROM generate_series(1, 100000) i`},
		{"sqlite", `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
			INSERT INTO sessions SELECT 's' || i, CASE WHEN i % 100 = 0 THEN 'ACTIVE' ELSE 'TERMINATED' END,
			CASE WHEN i % 100 = 0 THEN 'claude-work-' || i END FROM n`},
	} {
		for _, index := range []bool{false, true} {
			name := database.name + map[bool]string{true: "/index", false: "/bare"}[index]
			b.Run(name, func(b *testing.B) {
				cfg := DefaultConfig()
				cfg.URL = "file:" + b.TempDir() + "/data.db"
				if database.name == "postgres" {
					cfg.URL = testenv.PostgresURL(b)
				}
				if _, err := Migrate(b.Context(), cfg, MigrateOptions{SessionsTable: true}); err != nil {
					b.Fatal(err)
				}
				if !index {
					if _, err := Migrate(b.Context(), cfg, MigrateOptions{Uninstall: true}); err != nil {
						b.Fatal(err)
					}
				}
				s, err := Open(b.Context(), cfg)
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = s.Close() }()
				for _, statement := range []string{database.fill, "ANALYZE"} {
					if _, err := s.write.ExecContext(b.Context(), statement); err != nil {
						b.Fatal(err)
					}
				}
				p := poller{store: s}
				defer p.close()
				for b.Loop() {
					p.version = 0 // as if somebody had written
					if err := p.poll(b.Context(), func(string) {}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

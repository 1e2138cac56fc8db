package sessiondb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lib/pq"
)

// parsed is what a PostgreSQL URL comes to.
type parsed struct {
	Host, User, Password, Database, App, Path string
	Port                                      uint16
	Mode                                      pq.SSLMode
	Connect                                   time.Duration
}

//nolint:paralleltest // the environment is the whole process's
func TestPostgresURLs(t *testing.T) {
	for _, tc := range []struct {
		reason, url string
		want        parsed
		describe    string
	}{
		{
			reason: "a plain URL keeps lib/pq's own TLS default",
			url:    "postgres://app:secret@db.example:5433/sessions",
			want: parsed{Host: "db.example", Port: 5433, User: "app", Password: "secret", Database: "sessions",
				App: "session-controller", Connect: 5 * time.Second},
			describe: "PostgreSQL database sessions at db.example:5433",
		},
		{
			reason: "Prisma's schema becomes the search path, and its TLS default is prefer",
			url: "postgresql://app:secret@db/sessions?schema=My " +
				"App&connection_limit=5&pool_timeout=0&socket_timeout=3&statement_cache_size=0",
			want: parsed{Host: "db", Port: 5432, User: "app", Password: "secret", Database: "sessions", Mode: pq.SSLModePrefer,
				App: "session-controller", Path: `"My App"`, Connect: 5 * time.Second},
		},
		{
			reason: "where Prisma verifies the server's certificate, so does this",
			url:    "postgresql://app@db/sessions?sslmode=require&sslaccept=strict",
			want: parsed{Host: "db", Port: 5432, User: "app", Database: "sessions", Mode: pq.SSLModeVerifyFull,
				App: "session-controller", Connect: 5 * time.Second},
		},
		{
			reason: "PgBouncer refuses a search path, so the table alone carries the schema",
			url:    "postgresql://app@db/sessions?schema=app&pgbouncer=true&sslmode=require",
			want: parsed{Host: "db", Port: 5432, User: "app", Database: "sessions", Mode: pq.SSLModeRequire,
				App: "session-controller", Connect: 5 * time.Second},
		},
		{
			reason: "what the URL says beats the defaults of this package",
			url:    "postgres://app@db/sessions?application_name=mine&connect_timeout=2&sslmode=disable&search_path=x",
			want: parsed{Host: "db", Port: 5432, User: "app", Database: "sessions", Mode: pq.SSLModeDisable,
				App: "mine", Path: "x", Connect: 2 * time.Second},
		},
		{
			reason: "special characters are percent-encoded, and quotes do not end a setting",
			url:    `postgres://a%40b:it's%20%5C%2F%3F%23@db/my%20db?sslmode=disable`,
			want: parsed{Host: "db", Port: 5432, User: "a@b", Password: `it's \/?#`, Database: "my db", Mode: pq.SSLModeDisable,
				App: "session-controller", Connect: 5 * time.Second},
		},
		{
			reason: "a unix socket is given as a parameter",
			url:    "postgres:///sessions?host=/run/postgresql&user=app",
			want: parsed{Host: "/run/postgresql", Port: 5432, User: "app", Database: "sessions", Mode: pq.SSLModeDisable,
				App: "session-controller", Connect: 5 * time.Second},
			describe: "PostgreSQL database sessions at /run/postgresql",
		},
		{
			reason: "several hosts, as libpq writes them, and an IPv6 address",
			url:    "postgres://app@[::1]:5433,db2/?sslmode=disable",
			want: parsed{Host: "::1", Port: 5433, User: "app", Mode: pq.SSLModeDisable,
				App: "session-controller", Connect: 5 * time.Second},
			describe: "PostgreSQL database app at [::1]:5433",
		},
		{
			reason: "a unix socket as libpq escapes it",
			url:    "postgresql://app@%2Frun%2Fpostgresql/sessions",
			want: parsed{Host: "/run/postgresql", Port: 5432, User: "app", Database: "sessions", Mode: pq.SSLModeDisable,
				App: "session-controller", Connect: 5 * time.Second},
		},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			clearPostgresEnvironment(t)
			b, err := newBackend(Config{URL: tc.url, Table: "sessions"})
			if err != nil {
				t.Fatal(err)
			}
			p, ok := b.(*postgres)
			if !ok {
				t.Fatalf("got a %T", b)
			}
			got := parsed{
				Host:     p.config.Host,
				Port:     p.config.Port,
				User:     p.config.User,
				Password: p.config.Password,
				Database: p.config.Database,
				App:      p.config.ApplicationName,
				Path:     p.config.Runtime["search_path"],
				Mode:     p.config.SSLMode,
				Connect:  p.config.ConnectTimeout,
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if !p.config.BinaryParameters {
				t.Error("binary parameters are off: each statement takes two round trips")
			}
			if tc.describe != "" && p.describe() != tc.describe {
				t.Errorf("describe() = %q, want %q", p.describe(), tc.describe)
			}
			if strings.Contains(p.describe(), "secret") {
				t.Errorf("describe() = %q contains the password", p.describe())
			}
		})
	}
}

// clearPostgresEnvironment takes away what lib/pq would read from the machine that the test runs on.
func clearPostgresEnvironment(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE",
		"PGAPPNAME", "PGCONNECT_TIMEOUT", "PGOPTIONS", "PGSERVICE",
	} {
		t.Setenv(name, "") // so that it is restored afterwards
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoPieceOfAPasswordIsEverInAnError(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ reason, url, want string }{
		{"an unknown parameter is named", "postgres://u:hunter2@h/db?connections=5", "connections"},
		{"a parameter with a wrong value is named", "postgres://u:hunter2@h/db?sslmode=sometimes", "sslmode"},
		{"a parameter given twice is named", "postgres://u:hunter2@h/db?sslmode=disable&sslmode=require", "sslmode"},
		{"an ampersand in a password that is a parameter", "postgres://h/db?password=a&hunter2", "percent-encode"},
		{"an ampersand twice in such a one", "postgres://h/db?password=a&hunter2&hunter2", "percent-encode"},
		{"a question mark and an equals sign after digits", "postgres://u:12?hunter2=1@h/db", "percent-encode"},
		{"a question mark in a password of letters", "postgres://u:hunter2?x@h/db", "percent-encode"},
		{"a password before a host that is none", "postgres://u:p@hunter2 h/db", "percent-encode"},
		{"a port that is no number", "postgres://u:hunter2@h:port/db", "percent-encode"},
		{"a zero byte", "postgres://u:hunter2@h/db?schema=a%00b", "NUL"},
		{"a bad escape", "postgres://u:hunter2%zz@h/db", "percent-encode"},
		{"a number sign", "postgres://u:hunter2#hunter2@h/db", "percent-encode"},
		{"a number sign after digits", "postgres://u:12#hunter2@h/db", "percent-encode"},
		{"a question mark after digits", "postgres://u:12?hunter2@h/db", "percent-encode"},
		{"a question mark, and an equals sign", "postgres://u:12?hunter2@h=1", "percent-encode"},
		{"a slash after digits", "postgres://u:12/hunter2@h/db", "percent-encode"},
		{"a semicolon in the parameters", "postgres://u:p@h/db?x=hunter2;y=2", "percent-encode"},
		{"a colon where no slashes are", "postgres:u:hunter2@h/db", "percent-encode"},
		{"a space", "postgres://u:hunter2 x@h/db", "percent-encode"},
		{"another kind of database", "mysql://u:hunter2@h/db", "mysql"},
		{"no scheme", "u:hunter2@h/db", "must begin"},
		{"key and value", "host=h password=hunter2", "must begin"},
		{"a file with an unknown parameter", "file:data.db?_pragma=hunter2", "must"},
		{"a file with a key", "file:data.db?_key=hunter2", "must"},
		{"a file with a named parameter", "file:data.db?immutable=1", "immutable"},
		{"a file that would only be read", "file:data.db?mode=ro", "mode"},
		{"a bad escape in a path", "file:100%.db", "percent-encode"},
		{"a file in memory", "file::memory:", "in memory"},
		{"no file", "file:", "names no file"},
		{"a host where the path should be", "file://data.db", "file:data.db"},
	} {
		_, err := newBackend(Config{URL: tc.url, Table: "sessions"})
		if err == nil {
			t.Errorf("%s: %s was taken", tc.reason, tc.url)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v\nquotes the password", tc.reason, err)
		}
		if tc.want != "must" && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v\ndoes not say %q", tc.reason, err, tc.want)
		}
	}
}

func TestSQLiteURLs(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"file:data.db": filepath.Join(here, "data.db"),
		"file:./data.db?connection_limit=1&mode=rwc":     filepath.Join(here, "data.db"),
		"file:/var/lib/app/data.db?cache=private":        "/var/lib/app/data.db",
		"file:///var/lib/app/my%20data%23.db":            "/var/lib/app/my data#.db",
		"file://localhost/var/data.db?socket_timeout=10": "/var/data.db",
		"file:/var/lib/../data.db":                       "/var/data.db",
	} {
		b, err := newBackend(Config{URL: url})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if got := b.describe(); got != "SQLite database "+want {
			t.Errorf("%s is the %s, want %s", url, got, want)
		}
	}
}

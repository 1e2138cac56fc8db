package sessiondb_test

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func TestDefaultConfigIsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	const documented = `
url: ""
table: sessions
columns: {id: id, status: status, containerID: container_id, updatedAt: ""}
timeFormat: timestamp
statuses: {live: [ACTIVE, IDLE], ended: [ERROR, TERMINATED], error: ERROR}
`
	var want sessiondb.Config
	if err := yaml.UnmarshalStrict([]byte(documented), &want); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, sessiondb.DefaultConfig()); diff != "" {
		t.Errorf("-documented +default:\n%s", diff)
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	statuses := sessiondb.DefaultConfig().Statuses
	for status, want := range map[string]string{
		"ACTIVE": "live", "IDLE": "live", "ERROR": "ended", "TERMINATED": "ended",
		"": "unknown", "active": "unknown", "SUSPENDED": "unknown",
	} {
		if got := statuses.Kind(status).String(); got != want {
			t.Errorf("%q is %s, want %s", status, got, want)
		}
	}
	if got := sessiondb.StatusKind(99).String(); got != "unknown" {
		t.Errorf("a kind that does not exist is %s, want unknown: hands off", got)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	type config = sessiondb.Config
	for _, tc := range []struct {
		reason string
		change func(*config)
		want   []string // parts of one sentence each
	}{
		{reason: "the defaults and a URL are enough", change: func(*config) {}},
		{reason: "Prisma's URLs are understood", change: func(c *config) {
			c.URL = "postgresql://u:p@h:5432/db?schema=public&connection_limit=5&pgbouncer=true"
		}},
		{reason: "no URL", change: func(c *config) { c.URL = " " }, want: []string{"database.url is empty"}},
		{reason: "another database", change: func(c *config) { c.URL = "mysql://u:p@h/db" }, want: []string{"mysql://"}},
		{
			reason: "no URL at all",
			change: func(c *config) { c.URL = "data.db" },
			want:   []string{"must begin with postgres://"},
		},
		{reason: "no table", change: func(c *config) { c.Table = "" }, want: []string{"database.table is empty"}},
		{
			reason: "too many dots",
			change: func(c *config) { c.URL, c.Table = "postgres://h/db", "a.b.c" },
			want:   []string{`database.table is "a.b.c"`},
		},
		{
			reason: "half a name",
			change: func(c *config) { c.URL, c.Table = "postgres://h/db", "app." },
			want:   []string{`database.table is "app."`},
		},
		{
			reason: "no columns",
			change: func(c *config) { c.Columns = sessiondb.Columns{} },
			want:   []string{"columns.id is empty", "columns.status is empty", "columns.containerID is empty"},
		},
		{
			reason: "NUL ends a name early",
			change: func(c *config) { c.Columns.UpdatedAt = "at\x00" },
			want:   []string{"columns.updatedAt contains a NUL"},
		},
		{
			reason: "one column for two things",
			change: func(c *config) { c.Columns.UpdatedAt = "status" },
			want:   []string{`columns.status and database.columns.updatedAt both name the column "status"`},
		},
		{
			reason: "an unknown time format",
			change: func(c *config) { c.TimeFormat = "iso" },
			want:   []string{`timeFormat is "iso"`},
		},
		{
			reason: "a status cannot be both",
			change: func(c *config) { c.Statuses.Live = []string{"ACTIVE", "ERROR"} },
			want:   []string{`"ERROR" is in both`},
		},
		{
			reason: "a status named twice",
			change: func(c *config) { c.Statuses.Live = []string{"ACTIVE", "ACTIVE"} },
			want:   []string{`live names "ACTIVE" twice`},
		},
		{
			reason: "an empty status",
			change: func(c *config) { c.Statuses.Ended = []string{"ERROR", ""} },
			want:   []string{"ended contains an empty status"},
		},
		{
			reason: "nothing is live",
			change: func(c *config) { c.Statuses.Live = nil },
			want:   []string{"statuses.live is empty"},
		},
		{
			reason: "no error status",
			change: func(c *config) { c.Statuses.Error = "" },
			want:   []string{"statuses.error is empty"},
		},
		{
			reason: "a failed session is ended",
			change: func(c *config) { c.Statuses.Error = "BROKEN" },
			want:   []string{`statuses.error is "BROKEN"`},
		},
		{
			reason: "every problem is told at once",
			change: func(c *config) { *c = config{} },
			want: []string{
				"url is empty", "table is empty", "columns.id", "columns.status", "columns.containerID",
				"timeFormat", "statuses.live", "statuses.error",
			},
		},
	} {
		cfg := sessiondb.DefaultConfig()
		cfg.URL = "file:data.db"
		tc.change(&cfg)
		err := cfg.Validate()
		if len(tc.want) == 0 {
			if err != nil {
				t.Errorf("%s: %v, want no problem", tc.reason, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: no problem was found", tc.reason)
			continue
		}
		sentences := strings.Split(err.Error(), "\n")
		if len(sentences) != len(tc.want) {
			t.Errorf("%s: %d sentences, want %d:\n%v", tc.reason, len(sentences), len(tc.want), err)
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v\ndoes not say %q", tc.reason, err, want)
			}
		}
		if _, err := sessiondb.Open(t.Context(), cfg); err == nil {
			t.Errorf("%s: Open did not look at the configuration", tc.reason)
		}
	}
}

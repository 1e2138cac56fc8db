package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

// TestBadInputIsOneSentence holds every kind of bad input to exit code 1 and one sentence that names the thing.
func TestBadInputIsOneSentence(t *testing.T) { //nolint:tparallel // the row is checked when all have ended
	t.Parallel()
	good, db := sqlite(t)
	insert(t, db, "s1", "ACTIVE", "claude-work-not-there")
	missing := filepath.Join(t.TempDir(), "missing.db")
	dead := "unix://" + filepath.Join(t.TempDir(), "nobody.sock")
	tests := []struct {
		reason string
		config string
		args   []string
		want   []string
	}{
		{"an unknown key", "databse: {}", nil, []string{`"databse"`, "config.yaml"}},
		{"an unknown key in a section", "policy: {exitGrase: 5s}", nil, []string{`"exitGrase"`}},
		{"a key in another case", "policy: {exitgrace: 5s}", nil, []string{`"exitgrace"`, "exitGrace"}},
		{"a second document", "workers: 2\n---\ndryRun: true", nil, []string{"config.yaml", "---"}},
		{"a key of a later version", "docker: {context: a}", nil, []string{`"context"`}},
		{"a wait that no file sets", "database: {timing: {read: 1s}}", nil, []string{`"timing"`}},
		{"a duration below zero", "policy: {exitGrace: -1s}", nil, []string{"policy.exitGrace", "-1s"}},
		{"a duration that is none", "policy: {goneGrace: soon}", nil, []string{"policy.goneGrace is soon", "config.yaml"}},
		{"a duration without a unit", "policy: {exitGrace: 5}", nil, []string{"policy.exitGrace is 5"}},
		{"no database at all", "database: {url: ''}", []string{"--database-url", ""}, []string{"database.url is empty"}},
		{"a duration of years", "policy: {startGrace: 9999h}", nil, []string{"policy.startGrace", "24h"}},
		{"no pause between sweeps", "resyncPeriod: 0s", nil, []string{"resyncPeriod"}},
		{"a poll without a pause", "pollInterval: 0s", nil, []string{"pollInterval"}},
		{"no workers", "workers: 0", nil, []string{"workers is 0"}},
		{"an impossible policy", "policy: {crashLoop: panic}", nil, []string{"policy.crashLoop", `"panic"`}},
		{
			"a status that is both live and ended", "database: {statuses: {live: [ACTIVE, ERROR]}}", nil,
			[]string{"ERROR", "live", "ended"},
		},
		{
			"an error status that would not end the session", "database: {statuses: {error: FAILED}}", nil,
			[]string{"FAILED", "ended"},
		},
		{"a prefix that owns everything", `docker: {ownership: {namePrefixes: [""]}}`, nil, []string{"namePrefixes"}},
		{"a missing table", "database: {table: Session}", nil, []string{`Session`, "sessions"}},
		{
			"a missing column", "database: {columns: {status: session_state}}", nil,
			[]string{"session_state", "container_id"},
		},
		{"a database file that is not there", "", []string{"--database-url", "file:" + missing}, []string{missing}},
		{
			"a database that cannot be reached", "",
			[]string{"--database-url", "postgres://me:secret@127.0.0.1:1/app?sslmode=disable"}, []string{"127.0.0.1:1"},
		},
		{"a database of another kind", "", []string{"--database-url", "mysql://me:secret@host/app"}, []string{"postgres://"}},
		{"a parameter that nobody knows", "", []string{"--database-url", "postgres://h/d?sslmod=off"}, []string{"sslmod"}},
		{"an engine that cannot be reached", "docker: {host: '" + dead + "'}", nil, []string{"nobody.sock"}},
		{"an engine address of another kind", "docker: {host: 'ssh://host'}", nil, []string{"ssh"}},
		{"a file that is not there", "", []string{"--config", missing}, []string{missing}},
		{"a log level that is none", "", []string{"--log-level", "loud"}, []string{"--log-level", "loud"}},
		{"a log format that is none", "", []string{"--log-format", "xml"}, []string{"--log-format", "xml"}},
	}
	t.Run("each", func(t *testing.T) {
		for _, tt := range tests {
			for _, name := range []string{"plan", "sweep", "run"} {
				t.Run(tt.reason+"/"+name, func(t *testing.T) {
					t.Parallel()
					config := tt.config
					if !strings.Contains(config, "host") {
						config = withEngine(t, config)
					}
					args := append([]string{name, "--database-url", good, "--config", configFile(t, config)}, tt.args...)
					code, stdout, stderr := command(t, args...)
					if code != 1 || stdout != "" {
						t.Errorf("%s: exit code %d and output %q, want 1 and none; stderr: %s", tt.reason, code, stdout, stderr)
					}
					wantAll(t, stderr, append(tt.want, "session-controller: ")...)
					if lines := strings.Count(strings.TrimSpace(stderr), "\n"); lines != 0 {
						t.Errorf("%s: more than one line:\n%s", tt.reason, stderr)
					}
					for _, leak := range []string{"secret", "goroutine"} {
						if strings.Contains(stderr, leak) {
							t.Errorf("%s: %q is in the error: %s", tt.reason, leak, stderr)
						}
					}
				})
			}
		}
	})
	if got := row(t, db, "s1"); got != "ACTIVE claude-work-not-there" {
		t.Errorf("the row is %q after all that, want it as it was", got)
	}
}

// withEngine adds the tests' engine to a configuration.
func withEngine(t *testing.T, config string) string {
	t.Helper()
	host := "host: '" + testenv.DockerHost(t) + "'"
	if rest, ok := strings.CutPrefix(config, "docker: {"); ok {
		return "docker: {" + host + ", " + rest
	}
	return "docker: {" + host + "}\n" + config
}

// withServed also says that the tests' engine is the one to serve, for rows of which none has a container.
func withServed(t *testing.T, config string) string {
	t.Helper()
	return strings.Replace(withEngine(t, config), "docker: {", "docker: {identity: '"+identity(t)+"', ", 1)
}

func identity(t *testing.T) string {
	t.Helper()
	info, err := testenv.Docker(t).Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.ID + "@" + info.DockerRootDir
}

func TestAMisplacedURLIsNotEchoedWithItsPassword(t *testing.T) {
	t.Parallel()
	url := "postgres://me:hunter2@host/db"
	for _, args := range [][]string{
		{url}, {"run", url}, {"sweep", "--dry-run=" + url}, {"--log-level", url, "plan"},
		{"plan", "--config", configFile(t, url+": x")}, {"plan", "--config", configFile(t, "policy: {exitGrace: '"+url+"'}")},
	} {
		code, stdout, stderr := command(t, args...)
		if code != 1 || strings.Contains(stdout+stderr, "hunter2") {
			t.Errorf("%q: exit code %d and %q %q", args, code, stdout, stderr)
		}
	}
}

func TestCommandsRefuseWhatTheyDoNotUnderstand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"fly"}, `"fly"`},
		{[]string{"run", "now"}, `"now"`},
		{[]string{"plan", "-o", "xml"}, "xml"},
		{[]string{"sweep", "--timeout", "-1s"}, "--timeout"},
		{[]string{"migrate", "--sessions-table", "--uninstall", "--database-url", "file:data.db"}, "never dropped"},
		{[]string{"sweep", "--force"}, "--force"},
	} {
		code, _, stderr := command(t, tt.args...)
		if code != 1 || !strings.Contains(stderr, tt.want) {
			t.Errorf("%q: exit code %d and %q, want 1 and a sentence with %s", tt.args, code, stderr, tt.want)
		}
	}
}

package deploy

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"syscall"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	_ "github.com/lib/pq"

	"github.com/session-controller/session-controller/test/testenv"
)

// secrets must be found nowhere. The database's password is another one.
var secrets = []string{"S3CRET-ENVIRONMENT", "S3CRET-COMMAND", "S3CRET-LABEL"}

// mainJob is a table and an engine with everything that the controller has to deal with in its ordinary life.
type mainJob struct {
	t            *testing.T
	db           *sql.DB
	url          string
	installation string
	prefix       string
	// want is what becomes of each row: "STATUS claim".
	want map[string]string
	// goes are the containers that are removed, stays those that are not.
	goes, stays []string
	crashes     string
	adopted     string
}

// newMainJob makes rows and containers: one for each way in which the two can disagree.
func newMainJob(t *testing.T) *mainJob {
	t.Helper()
	j := &mainJob{
		t: t, url: testenv.PostgresURL(t), installation: testenv.Name(t, "i"), prefix: testenv.Name(t, "p") + "-",
		want: map[string]string{},
	}
	db, err := sql.Open("postgres", j.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	j.db = db
	j.newController("unix:///nowhere").does([]int{0}, "migrate", "--sessions-table")

	j.row("healthy", "ACTIVE", j.container("healthy", "sleep"), "")
	j.crashes = j.container("crashes", "sleep")
	j.row("crashes", "ACTIVE", j.crashes, "ERROR NULL")
	j.row("exited", "IDLE", j.prefix+"exited", "ERROR NULL")
	j.goes = append(j.goes, j.container("exited", "exit", "3"), j.container("ended", "sleep"), j.crashes)
	j.row("ended", "TERMINATED", j.prefix+"ended", "TERMINATED NULL")
	j.row("gone", "ACTIVE", j.prefix+"gone", "ERROR NULL")
	j.row("short", "ACTIVE", "abcdef", "ACTIVE abcdef") // looks like an id and is too short for one: held
	j.goes = append(j.goes, j.container("no-row", "sleep"))
	j.neverStarts()
	j.adopted = j.container("unrecorded", "sleep")
	j.row("unrecorded", "ACTIVE", nil, "ACTIVE "+j.adopted)
	foreign := testenv.Run(t, testenv.Container{})
	j.row("foreign", "TERMINATED", foreign, "TERMINATED "+foreign)
	j.stays = append(j.stays, foreign, j.adopted)
	return j
}

func (j *mainJob) newController(host string) *controller {
	u, err := url.Parse(j.url)
	if err != nil {
		j.t.Fatal("the database's URL is none")
	}
	// A password in the URL, as most people have it.
	return newController(j.t, fmt.Sprintf(`
docker: {ownership: {installation: %s, namePrefixes: [%s]}}
policy: {exitGrace: 0s, goneGrace: 0s, startGrace: 0s, leakGrace: 0s, adoptAfter: 0s, stopTimeout: 1s, keepLogs: 5,
         breaker: {maxFraction: 1}}
`, j.installation, j.prefix), "DATABASE_URL="+u.String(), "DOCKER_HOST="+host)
}

// container makes one that is labelled with the session of the same name. Its secrets are nobody's business.
func (j *mainJob) container(session string, mode ...string) (id string) {
	j.t.Helper()
	return testenv.Run(j.t, testenv.Container{
		Name: j.prefix + session,
		Cmd:  append([]string{"/workload"}, mode...),
		Env:  []string{"TOKEN=" + secrets[0], "COMMAND=" + secrets[1]},
		Labels: map[string]string{
			"io.session-controller.session": session, "io.session-controller.installation": j.installation,
			"token": secrets[2],
		},
	})
}

// neverStarts makes a session whose container the engine refuses to start: what it says of that quotes the command.
func (j *mainJob) neverStarts() {
	j.t.Helper()
	id := testenv.Run(j.t, testenv.Container{
		Name: j.prefix + "never", Cmd: []string{"/" + secrets[1]}, NoStart: true,
		Labels: map[string]string{
			"io.session-controller.session": "never", "io.session-controller.installation": j.installation,
		},
	})
	if err := testenv.Docker(j.t).ContainerStart(j.t.Context(), id, container.StartOptions{}); err == nil {
		j.t.Fatal("a command that does not exist was started")
	}
	j.row("never", "ACTIVE", id, "ERROR NULL")
	j.goes = append(j.goes, id)
}

// row inserts one; want is what must become of it, empty: it stays as it is.
func (j *mainJob) row(id, status string, claim any, want string) {
	j.t.Helper()
	if _, err := j.db.ExecContext(j.t.Context(),
		`INSERT INTO sessions (id, status, container_id) VALUES ($1, $2, $3)`, id, status, claim); err != nil {
		j.t.Fatal(err)
	}
	if want == "" {
		want = fmt.Sprintf("%s %v", status, claim)
	}
	j.want[id] = want
}

// done waits until the rows are as they must be, and checks the containers.
func (j *mainJob) done(log fmt.Stringer) {
	j.t.Helper()
	var got string
	for id, want := range j.want {
		until(j.t, "session "+id+" is "+want+"; log:\n"+log.String(), func() bool {
			err := j.db.QueryRowContext(j.t.Context(),
				`SELECT status || ' ' || coalesce(container_id, 'NULL') FROM sessions WHERE id = $1`, id).Scan(&got)
			return err == nil && got == want
		})
	}
	docker := testenv.Docker(j.t)
	for _, id := range j.goes {
		until(j.t, "container "+id+" is removed", func() bool { return !exists(j.t, docker, id) })
	}
	for _, id := range j.stays {
		if !exists(j.t, docker, id) {
			j.t.Errorf("container %s is gone", id)
		}
	}
}

func exists(t *testing.T, docker *client.Client, id string) bool {
	t.Helper()
	_, err := docker.ContainerInspect(t.Context(), id)
	return err == nil
}

// crash ends a process by itself, as far as the engine can tell.
func (j *mainJob) crash() { testenv.Signal(j.t, j.crashes, syscall.SIGKILL) }

// get returns what an address of the controller answers, or "" where it does not.
func get(t *testing.T, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return ""
	}
	return string(body)
}

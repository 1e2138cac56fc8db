package deploy

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

// TestNoSecretIsTold looks for the database's password, and for a container's environment, command line and labels, in
// everything that the controller says about them, at its most talkative (S7).
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	job := newMainJob(t)
	c := job.newController(testenv.DockerHost(t))
	metrics, probes := testenv.FreeAddress(t), testenv.FreeAddress(t)
	told := c.does([]int{2}, "plan", "-o", "json", "--log-level", "debug")
	log, end := c.runs("--log-level", "debug", "--metrics-bind-address", metrics, "--health-probe-bind-address", probes)
	until(t, "it is ready", func() bool { return strings.HasSuffix(get(t, probes+"/readyz"), "ok\n") })
	job.crash()
	job.done(log)
	told += get(t, metrics+"/metrics") + get(t, probes+"/status") + get(t, probes+"/readyz?verbose")
	if !strings.Contains(told, "session_controller_leader 1") || !strings.Contains(told, `"ready": true`) {
		t.Errorf("metrics and status say less than they should:\n%s", told)
	}
	end()
	told += log.String() + c.does([]int{0}, "sweep", "--log-level", "debug")

	u, err := url.Parse(job.url)
	if err != nil {
		t.Fatal("the database's URL is none")
	}
	password, _ := u.User.Password()
	// Each of these fails with the secret at hand.
	bad := newController(t, "database: {table: no_such_table}", "DATABASE_URL="+job.url,
		"DOCKER_HOST="+testenv.DockerHost(t))
	told += bad.does([]int{1}, "plan")
	away := newController(t, "", "DATABASE_URL="+strings.Replace(job.url, u.Host, testenv.FreeAddress(t), 1))
	told += away.does([]int{1}, "plan")
	for _, secret := range append(slices.Clone(secrets), password) {
		if i := strings.Index(told, secret); i >= 0 {
			t.Errorf("%q is told: …%s…", secret, told[max(0, i-200):min(len(told), i+100)])
		}
	}
}

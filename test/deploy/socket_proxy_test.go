package deploy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

// filtered starts the filter of config/socket-proxy in front of the engine that all tests share.
func filtered(t *testing.T, environment ...string) (socket string) {
	t.Helper()
	haproxy, err := exec.LookPath("haproxy")
	if err != nil {
		t.Fatalf("this test needs haproxy: run it by make test, or install the package haproxy: %v", err)
	}
	socket = filepath.Join(t.TempDir(), "p.sock")
	log := &buffer{}
	config := filepath.Join(root, "config/socket-proxy/haproxy.cfg")
	cmd := exec.CommandContext(t.Context(), haproxy, "-db", "-f", config)
	cmd.Env = []string{"ENGINE_SOCKET=" + socketOf(t, testenv.DockerHost(t)), "PROXY_SOCKET=" + socket}
	cmd.Env = append(cmd.Env, environment...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	until(t, "the filter listens", func() bool {
		if err := syscall.Kill(cmd.Process.Pid, 0); err != nil {
			t.Fatalf("haproxy has ended: %s", log)
		}
		_, err := os.Stat(socket)
		return err == nil
	})
	return socket
}

// TestTheFilterLetsThroughWhatIsNeeded does the main job behind the filter, with the events and the identity of each
// connection as they are without it.
func TestTheFilterLetsThroughWhatIsNeeded(t *testing.T) {
	t.Parallel()
	job := newMainJob(t)
	c := job.newController("unix://" + filtered(t, "KEEP_LOGS=yes"))
	log, end := c.runs("--metrics-bind-address", "0", "--health-probe-bind-address", "0")
	until(t, "it has swept", func() bool { return strings.Contains(log.String(), `"msg":"Swept"`) })
	job.crash()
	job.done(log)
	end()
	if strings.Contains(log.String(), `"level":"error"`) || strings.Contains(log.String(), `"nooutput"`) {
		t.Errorf("behind the filter something fails:\n%s", log)
	}
}

// TestTheFilterLetsThroughNothingElse asks for what somebody who has taken over the controller would ask for.
func TestTheFilterLetsThroughNothingElse(t *testing.T) {
	t.Parallel()
	socket := filtered(t)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial}}
	t.Cleanup(client.CloseIdleConnections)
	id := strings.Repeat("0", 64)
	for _, tt := range []struct {
		call string
		want int
	}{
		{"GET /v1.41/info", http.StatusOK},
		{"GET /_ping", http.StatusOK},
		{"GET /v1.41/containers/" + id + "/json", http.StatusNotFound},
		{"DELETE /v1.41/containers/" + id, http.StatusNotFound},
		{"GET /v1.41/containers/" + id + "/logs?stdout=1", http.StatusForbidden}, // unless KEEP_LOGS=yes
		{"POST /v1.41/containers/create", http.StatusForbidden},
		{"POST /v1.41/containers/" + id + "/start", http.StatusForbidden},
		{"POST /v1.41/containers/" + id + "/exec", http.StatusForbidden},
		{"POST /v1.41/containers/" + id + "/kill", http.StatusForbidden},
		{"POST /v1.41/containers/" + id + "/update", http.StatusForbidden},
		{"GET /v1.41/containers/" + id + "/archive?path=/", http.StatusForbidden},
		{"GET /v1.41/containers/" + id + "/export", http.StatusForbidden},
		{"GET /v1.41/containers/" + id + "/../../images/json", http.StatusForbidden},
		{"GET /v1.41/containers/%2e%2e/images/json", http.StatusForbidden},
		{"DELETE /v1.41/containers/name", http.StatusForbidden},
		{"POST /v1.41/containers/name/stop", http.StatusForbidden},
		{"POST /v1.41/containers/" + id, http.StatusForbidden},
		{"POST /v1.41/containers/prune", http.StatusForbidden},
		{"GET /v1.41/images/json", http.StatusForbidden},
		{"GET /v1.41/secrets", http.StatusForbidden},
		{"GET /v1.41/volumes", http.StatusForbidden},
		{"POST /v1.41/build", http.StatusForbidden},
		{"GET /info", http.StatusForbidden}, // without a version: nothing that is used
		{"PUT /v1.41/containers/" + id + "/archive", http.StatusForbidden},
	} {
		method, path, _ := strings.Cut(tt.call, " ")
		request, err := http.NewRequestWithContext(t.Context(), method, "http://engine/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.URL.Opaque = path // as it stands, not made clean
		response, err := client.Do(request)
		if err != nil {
			t.Errorf("%s: %v", tt.call, errors.Unwrap(err))
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode != tt.want {
			t.Errorf("%s is answered with %d, want %d", tt.call, response.StatusCode, tt.want)
		}
	}
}

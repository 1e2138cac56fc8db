package testenv

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/client"
)

const (
	dockerHostVariable = "SESSION_CONTROLLER_TEST_DOCKER_HOST"
	howToGet           = "run `make test`, or `hack/test-env.sh -- go test ./...` for some packages only"
	// cleanupTimeout bounds each step of taking something away: the 10 s an engine gives a container, and as much again
	// three times over for a machine that is busy with other tests.
	cleanupTimeout = 40 * time.Second
)

// DockerHost is the address of the engine that all tests share. It fails the test when there is none.
func DockerHost(t testing.TB) string {
	t.Helper()

	host := os.Getenv(dockerHostVariable)
	if host == "" {
		t.Fatalf("this test needs a Docker Engine and %s is not set: %s", dockerHostVariable, howToGet)
	}

	return host
}

// Docker is a client of its own for the engine that all tests share. It is closed when the test ends.
func Docker(t testing.TB) *client.Client {
	t.Helper()

	return newClient(t, DockerHost(t))
}

// Name is a container name that no other test uses: prefix and 16 random characters.
func Name(t testing.TB, prefix string) string {
	t.Helper()

	return prefix + strings.ToLower(rand.Text()[:16])
}

func newClient(t testing.TB, host string) *client.Client {
	t.Helper()

	docker, err := client.NewClientWithOpts(client.WithHost(host), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatalf("make a client for the engine %s: %v", host, err)
	}

	t.Cleanup(func() {
		if err := docker.Close(); err != nil {
			t.Errorf("close the client of the engine %s: %v", host, err)
		}
	})

	return docker
}

// cleanupContext outlives the test's own context, which has ended by the time a cleanup runs.
func cleanupContext(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()

	return context.WithTimeout(context.WithoutCancel(t.Context()), cleanupTimeout)
}

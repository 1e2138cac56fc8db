package testenv

import (
	"io"
	"testing"

	"github.com/docker/docker/client"
)

// imageReference is imported by hack/lib.sh, which has the same name.
const imageReference = "session-controller-test/workload:latest"

// Image is the reference of the test image. It fails the test when the engine does not have it.
func Image(t testing.TB) string {
	t.Helper()

	return imageOn(t, Docker(t))
}

func imageOn(t testing.TB, docker *client.Client) string {
	t.Helper()

	if _, err := docker.ImageInspect(t.Context(), imageReference); err != nil {
		t.Fatalf("this test needs the image %s on the engine %s: %v: %s", imageReference, docker.DaemonHost(), err, howToGet)
	}

	return imageReference
}

// copyImage brings the test image from the engine that all tests share.
func (e *Engine) copyImage() {
	e.t.Helper()

	image, err := Docker(e.t).ImageSave(e.t.Context(), []string{Image(e.t)})
	if err != nil {
		e.t.Fatalf("save the image %s: %v", imageReference, err)
	}
	defer image.Close() //nolint:errcheck // A cut stream makes the load fail.

	loaded, err := e.docker.ImageLoad(e.t.Context(), image)
	if err != nil {
		e.t.Fatalf("load the image %s into the private engine: %v", imageReference, err)
	}
	defer loaded.Body.Close() //nolint:errcheck // The image is looked for below.

	// The engine loads while its answer is read.
	if _, err := io.Copy(io.Discard, loaded.Body); err != nil {
		e.t.Fatalf("load the image %s into the private engine: %v", imageReference, err)
	}

	imageOn(e.t, e.docker)
}

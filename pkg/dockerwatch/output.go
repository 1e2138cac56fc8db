package dockerwatch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
)

const (
	// outputLimit bounds what is kept of a container's output, its end, and lineLimit what is kept of a line: whoever
	// asked for so many lines may have asked for megabytes.
	outputLimit = 256 << 10
	lineLimit   = 1 << 10
)

// Output returns the last lines of what a container wrote, both of its streams in the order in which the engine kept
// them, without line ends; none where it wrote nothing or its log driver keeps nothing. Long lines are cut, and of more
// than 256 KiB the last are returned. It can hold anything, secrets too.
//
// Errors: [ErrNotThere], [ErrUnreachable], [ErrTimeout], or what the engine refused.
func (e *Engine) Output(ctx context.Context, seen Observation, lines int) ([]string, error) {
	op := "read the output of container " + seen.ID
	if !IsFullID(seen.ID) || lines <= 0 {
		return nil, fmt.Errorf("%s: only of a full id, and one line at least: %w", op, ErrInvalidReference)
	}
	options := container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(lines)}
	text, got, err := fetch(ctx, e, op, func(ctx context.Context, api *client.Client) (string, error) {
		stream, err := api.ContainerLogs(ctx, seen.ID, options)
		if err != nil {
			return "", err //nolint:wrapcheck // fetch says what was tried
		}
		defer func() { _ = stream.Close() }()
		return readOutput(stream, seen.Terminal)
	})
	switch {
	case got.noSuchContainer(seen.ID):
		return nil, fmt.Errorf("%s: %w", op, ErrNotThere)
	case err != nil:
		return nil, err
	}
	return lastLines(text, lines), nil
}

// readOutput takes the streams apart. Where the container has a terminal there is one, and it comes as it is.
func readOutput(stream io.Reader, terminal bool) (string, error) {
	var text tail
	var err error
	if terminal {
		_, err = io.Copy(&text, stream)
	} else {
		_, err = stdcopy.StdCopy(&text, &text, stream)
	}
	if err != nil {
		return "", fmt.Errorf("read its streams: %w", err)
	}
	return text.String(), nil
}

// tail keeps the last outputLimit bytes that are written to it, from the beginning of a line on.
type tail struct {
	kept []byte
	cut  bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - outputLimit; over > outputLimit { // not at every write
		t.kept, t.cut = append(t.kept[:0], t.kept[over:]...), true
	}
	return len(p), nil
}

func (t *tail) String() string {
	kept := t.kept
	if over := len(kept) - outputLimit; over > 0 {
		kept, t.cut = kept[over:], true
	}
	if i := bytes.IndexByte(kept, '\n'); t.cut && i >= 0 && i < len(kept)-1 {
		kept = kept[i+1:]
	}
	return string(kept)
}

func lastLines(text string, lines int) []string {
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if text == "" {
		return nil
	}
	all := strings.Split(text, "\n")
	all = all[max(0, len(all)-lines):]
	for i, line := range all {
		if len(line) > lineLimit {
			all[i] = strings.ToValidUTF8(line[:lineLimit], "") + "…"
		}
	}
	return all
}

// ErrorKind is what the engine's own message about the last start or removal ([Observation].Error) is about, in words
// that are this package's: the message can quote the container's command. It is empty where there is no message, and
// "other" for one that is not known.
func (o Observation) ErrorKind() string {
	if o.Error == "" {
		return ""
	}
	said := strings.ToLower(o.Error)
	for _, known := range []string{
		"executable file not found", "no such file or directory", "permission denied", "exec format error",
		"operation not permitted", "port is already allocated", "address already in use", "no space left on device",
		"cannot allocate memory", "out of memory", "device or resource busy", "not a directory", "is a directory",
		"context canceled", "context deadline exceeded", "invalid argument", "network not found",
		"driver failed programming external connectivity", "failed to create shim", "oci runtime create failed",
	} {
		if strings.Contains(said, known) {
			return known
		}
	}
	return "other"
}

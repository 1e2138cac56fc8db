package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// scrapeTimeout is long for a controller that works: it answers within milliseconds.
const scrapeTimeout = 10 * time.Second

var errNoFigure = errors.New("a figure is missing in what the controller's process says of itself")

// measure looks at the controller's process: its own metrics, and what the kernel says of it.
func (c *controller) measure(ctx context.Context) (figures, error) {
	text, err := scrape(ctx, c.address)
	if err != nil {
		return figures{}, err
	}

	proc := fmt.Sprintf("/proc/%d", c.cmd.Process.Pid)

	files, err := os.ReadDir(proc + "/fd")
	if err != nil {
		return figures{}, fmt.Errorf("count the controller's open files: %w", err)
	}

	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		return figures{}, fmt.Errorf("read the controller's status: %w", err)
	}

	const kibibyte = 1 << 10

	f := figures{
		goroutines: valueOf(text, "go_goroutines"),
		files:      float64(len(files)),
		// What the last collection left, and not what has been allocated since: that rises and falls by itself.
		heap: valueOf(text, "go_gc_heap_live_bytes"),
		rss:  valueOf(string(status), "VmRSS:") * kibibyte,
	}
	if f.goroutines == 0 || f.files == 0 || f.heap == 0 || f.rss == 0 {
		return figures{}, fmt.Errorf("%w: %+v", errNoFigure, f)
	}

	return f, nil
}

// scrape returns the text of the controller's metrics.
func scrape(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return "", fmt.Errorf("read the controller's metrics: %w", err)
	}

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("read the controller's metrics: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // It has been read, or reading it has failed.

	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", fmt.Errorf("read the controller's metrics: %w", err)
	}

	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("read the controller's metrics: it answered %s", response.Status)
	}

	return string(body), nil
}

// valueOf is the number after a name at the beginning of a line: a metric without labels, or a field of a status file.
// It is 0 where there is none.
func valueOf(text, name string) float64 {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != name {
			continue
		}

		value, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return 0
		}

		return value
	}

	return 0
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/session-controller/session-controller/test/rig"
)

var errNoFigure = errors.New("a figure is missing in what the controller's process says of itself")

// measure looks at the controller's process: its own metrics, and what the kernel says of it.
func measure(ctx context.Context, c *rig.Controller) (figures, error) {
	text, err := c.Scrape(ctx)
	if err != nil {
		return figures{}, err
	}

	proc := fmt.Sprintf("/proc/%d", c.PID())

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
		goroutines: rig.ValueOf(text, "go_goroutines"),
		files:      float64(len(files)),
		// What the last collection left, and not what has been allocated since: that rises and falls by itself.
		heap: rig.ValueOf(text, "go_gc_heap_live_bytes"),
		rss:  rig.ValueOf(string(status), "VmRSS:") * kibibyte,
	}
	if f.goroutines == 0 || f.files == 0 || f.heap == 0 || f.rss == 0 {
		return figures{}, fmt.Errorf("%w: %+v", errNoFigure, f)
	}

	return f, nil
}

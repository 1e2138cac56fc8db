package engine

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/docker/docker/pkg/stdcopy"
)

// logsCalled answers with the last lines that a container wrote, each in a frame of its own. It follows nobody.
func (e *Engine) logsCalled(w http.ResponseWriter, r *http.Request) {
	if !e.hangs(r.Context(), ref(r)) {
		return
	}
	e.mu.Lock()
	c, err := e.find(ref(r))
	var lines []string
	if err == nil {
		lines = wrote(c)
	}
	e.mu.Unlock()
	if err != nil {
		refuse(w, err)
		return
	}
	if tail, err := strconv.Atoi(r.FormValue("tail")); err == nil && tail < len(lines) {
		lines = lines[len(lines)-tail:]
	}
	out := stdcopy.NewStdWriter(w, stdcopy.Stdout)
	for _, line := range lines {
		_, _ = out.Write([]byte(line + "\n")) // whoever asked has gone
	}
}

// wrote is what the workload of the tests' image writes in each of its runs. Any other process writes the same.
func wrote(c *container) []string {
	var run []string
	switch mode(c.Cmd) {
	case "exit":
	case "say":
		run = c.Cmd[3:]
	default:
		run = []string{"ready"}
	}
	all := make([]string, 0, c.Starts*len(run))
	for range c.Starts {
		all = append(all, run...)
	}
	for i, line := range all {
		all[i] = strings.TrimPrefix(line, "!")
	}
	return all
}

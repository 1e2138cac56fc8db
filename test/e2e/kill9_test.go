package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/session-controller/session-controller/test/testenv"
)

// longestLife bounds the moments of the kills: a life of half of it, on average, is what a busy machine may take.
const longestLife = 2 * time.Second

// TestOutageKillsOfTheProcessLoseNothing ends the real program with SIGKILL, each time at a random moment of a life in
// which it has something to do from the first look to the last, and lets the next life finish.
func TestOutageKillsOfTheProcessLoseNothing(t *testing.T) {
	t.Parallel()
	// Each kill has a part of the work to itself. Twelve meet every kind of accident, at moments from the first look to
	// the last effect; a hundred also meet the short stretches between two effects.
	kills := inForm(12, 100)
	url := testenv.PostgresURL(t)
	w := newWorld(t, url, "postgres")
	p := newProgram(w, url)
	unharmed := w.healthy(quietly(4)...)

	// Two lives that are not disturbed show how long there is something to do; the first is slow because all is cold.
	want := make([]settled, 0, 2*kills)
	var window time.Duration
	for range 2 {
		want = append(want, happen(w.accidents(1, w.crashes, w.neverStarts))...)
		p.start()
		window = min(2*w.settles(recovery, want), longestLife)
		p.kill()
	}

	// What takes this test the time is to make containers that run: every second life gets one. An end takes the most
	// steps: pin, stop, remove, release.
	kinds := []func() accident{
		w.ends, w.neverStarts, w.crashes, w.neverStarts, w.leaks, w.neverStarts,
		w.ends, w.neverStarts, w.vanishes, w.neverStarts, w.forgets, w.neverStarts,
	}
	lots := rand.New(rand.NewPCG(1, 2)) // the same lots in every run
	parts := lots.Perm(kills)
	recoveries := make([]time.Duration, 0, kills)
	unfinished, partly := 0, 0
	for n := range kills {
		both := []accident{w.neverStarts(), kinds[n%len(kinds)]()}
		lots.Shuffle(len(both), func(i, j int) { both[i], both[j] = both[j], both[i] })
		moment := (time.Duration(parts[n])*window + time.Duration(lots.Int64N(int64(window)))) / time.Duration(kills)
		want = append(want, happen(both[:1])...)
		killed := time.AfterFunc(moment, p.start())
		soon(t, moment/2) // the one is found by the first sweep, the other is heard of while that is under way
		want = append(want, happen(both[1:])...)
		p.wait()
		killed.Stop()
		left := len(w.unsettled(want))
		if left > 0 {
			unfinished++
		}
		if left > 0 && left < len(both) {
			partly++
		}

		p.start()
		recoveries = append(recoveries, w.settles(recovery, want))
		p.kill()
	}
	unharmed()
	w.wantOneFailureEach(want)
	slices.Sort(recoveries)
	t.Logf("%d of %d kills within %s recovered from, %d of them with something left to do, %d of these between the two: "+
		"median %s, longest %s", len(recoveries), kills, window, unfinished, partly, recoveries[kills/2], recoveries[kills-1])
	// A kill that interrupts nothing shows nothing. About half of them come while there is something to do, but that is so
	// before the first look, too: enough must come when one of the two has been done. Of twelve it may be none.
	if unfinished < kills/4 || partly < inForm(0, kills/10) {
		t.Errorf("only %d of %d kills left something to do, and only %d after something was done: the moments are not "+
			"spread over the work", unfinished, kills, partly)
	}
}

// wantOneFailureEach checks that no life failed a session that another had failed already. A life that was killed right
// after the write may not have said so.
func (w *world) wantOneFailureEach(want []settled) {
	w.Helper()
	for _, s := range want {
		if s.session == "" {
			continue
		}
		if lines := w.log.with(`"Session failed"`, `"session":"`+s.session+`"`); len(lines) > 1 {
			w.Errorf("session %s was failed %d times, want at most once:\n%s", s.session, len(lines), strings.Join(lines, "\n"))
		}
	}
}

// program is the built controller, as a process that is started again and again.
type program struct {
	*world

	binary, config string
	cmd            *exec.Cmd
}

// newProgram configures the built controller for a world on the shared engine.
func newProgram(w *world, url string) *program {
	w.Helper()
	p := &program{world: w, binary: testenv.Controller(w.TB), config: filepath.Join(w.TempDir(), "config.yaml")}
	_ = w.labels("") // which gives this world an installation
	own := w.opts.Ownership
	config := fmt.Sprintf(`database: {url: '%s'}
docker: {host: '%s', identity: '%s', ownership: {label: %s, installation: %s, namePrefixes: [%s]}}
policy: {exitGrace: 0s, goneGrace: 0s, startGrace: 0s, leakGrace: 0s, adoptAfter: 0s, stopTimeout: 1s,
         breaker: {maxFraction: 1}}
pollInterval: 100ms
`, url, testenv.DockerHost(w.TB), w.opts.Identity, own.Label, own.Installation, own.NamePrefixes[0])
	if err := os.WriteFile(p.config, []byte(config), 0o600); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if p.cmd != nil {
			p.kill()
		}
	})
	return p
}

// start begins a life and returns what kills it. What it logs becomes part of the world's log.
func (p *program) start() (kill func()) {
	p.Helper()
	// Not the test's own context: who ends the process, and when, is what the test is about.
	p.cmd = exec.CommandContext(context.WithoutCancel(p.Context()), p.binary, "run", "--config", p.config,
		"--log-level", "debug", "--metrics-bind-address", "0", "--health-probe-bind-address", "0")
	p.cmd.Env = []string{}
	p.cmd.Stdout, p.cmd.Stderr = &lines{log: p.log}, &lines{log: p.log}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.Fatal(err)
	}
	process := p.cmd.Process
	return func() { _ = process.Kill() } // one that has ended by itself is found by wait
}

// wait returns when the life is over; a life that ended by itself, before it was killed, is a failure.
func (p *program) wait() {
	p.Helper()
	_ = p.cmd.Wait() // it was killed, which is an error
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		p.Errorf("the controller ended by itself: %s; log:\n%s", p.cmd.ProcessState, p.log)
	}
	p.cmd = nil
}

func (p *program) kill() {
	p.Helper()
	_ = p.cmd.Process.Kill()
	p.wait()
}

// lines hands whole lines to a log. The process that wrote half a line at its death has not said anything.
type lines struct {
	log  *logLines
	rest []byte
}

// Write takes what a process has written.
func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		l.log.add(string(line))
		l.rest = rest
	}
}

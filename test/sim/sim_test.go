package sim

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// played is what came of one world.
type played struct {
	violations    []string
	history       string
	steps, faults int
	// done is what the controllers said they did, by action and reason.
	done map[string]int
}

// account is what was wrong in a world, and how it came to that.
func (p played) account() string {
	return strings.Join(p.violations, "\n") + "\n\nhistory:\n" + p.history
}

// run plays one world to its end.
func run(t *testing.T, s setup) (p played) {
	t.Helper()
	dir := scratch(t)
	defer func() { _ = os.RemoveAll(dir) }()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, s, dir)
		defer w.tear()
		w.sayf("%s", s)
		w.pass(2 * time.Second)
		for _, step := range s.steps {
			w.take(step)
			w.took++
			if faulty(step.kind) {
				p.faults++
			}
			if len(w.accusations()) > 0 {
				break
			}
		}
		if len(w.accusations()) == 0 {
			w.finish()
		}
		p.violations, p.history, p.steps, p.done = w.accusations(), w.told(), w.took, w.wasDone()
	})
	return p
}

// finish ends the faults, waits until everything must have converged, and looks.
func (w *world) finish() {
	w.pass(160 * time.Second) // what the server has begun goes on
	w.calmDown()
	w.pass(bound)
	w.agree()
	w.mu.Lock()
	away := time.Duration(len(w.history)%200) * time.Second
	w.mu.Unlock()
	for _, act := range []func(){w.prompt, func() { w.recovers(away) }, func() { w.thaws(away) }} {
		if len(w.accusations()) == 0 {
			act()
		}
	}
}

func (w *world) accusations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.violations...)
}

func (w *world) wasDone() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.done)
}

// told is the history; with SIM_VERBOSE the controllers' logs are in it.
func (w *world) told() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.history
	if os.Getenv("SIM_VERBOSE") != "" {
		lines = merged(w.history, w.logs)
	}
	return strings.Join(lines, "\n")
}

// merged puts two lists of lines that begin with their times together.
func merged(a, b []string) []string {
	var all []string
	for len(a) > 0 && len(b) > 0 {
		if a[0][:10] <= b[0][:10] {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}

// tries is how often a history is played while a failure is shrunk, and where one is played again by its seed: the
// order of goroutines and the jitter of sweeps are not part of the seed, so one that shows the failure may need more
// than one try.
const tries = 20

// few are so few worlds that each is meant, and played as often.
const few = 10

// total is what came of all worlds.
type total struct {
	played

	runs, wrong int
	// collected counts the features of the worlds that were collected.
	collected map[string]int
}

func (all *total) add(p played) {
	all.runs++
	all.steps += p.steps
	all.faults += p.faults
	for what, n := range p.done {
		all.done[what] += n
	}
}

// TestSimulation plays the committed worlds, so that the same code is always judged by the same worlds. With SIM_DRAW=1
// it plays drawn ones instead: -rapid.checks says how many, -rapid.seed which. With SIM_LONG=1 it plays the committed
// worlds that take longest instead. SIM_SHARD=1/2 plays every second one of the committed worlds, from the first on.
// SIM_COLLECT names a file that drawn worlds are added to, see [total.collect].
//
//nolint:paralleltest // it changes how many processors there are
func TestSimulation(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // with one processor a world nearly always goes the same way
	all := total{played: played{done: map[string]int{}}}
	if os.Getenv("SIM_DRAW") != "" {
		all.playDrawn(t)
	} else {
		all.playCommitted(t)
	}
	t.Logf("%d runs, %d steps, %d faults, %d wrong", all.runs, all.steps, all.faults, all.wrong)
	for _, what := range slices.Sorted(maps.Keys(all.done)) {
		t.Logf("%8d %s", all.done[what], what)
	}
}

// playCommitted plays the committed worlds, or this process's share of them. With the race detector each takes some ten
// times as long, and it is there for what goes on at the same time, of which a few worlds have enough.
func (all *total) playCommitted(t *testing.T) {
	t.Helper()
	const raceShare = 32
	first, every := 1, 1
	if text := os.Getenv("SIM_SHARD"); text != "" {
		if n, err := fmt.Sscanf(text, "%d/%d", &first, &every); n != 2 || first < 1 || every < first {
			t.Fatalf("SIM_SHARD is %q (%v), want something like 1/2", text, err)
		}
	} else if racing {
		every = raceShare
	}
	share, long := 0, os.Getenv("SIM_LONG") != ""
	for n, s := range committedWorlds(t, long) {
		if n%every != first-1 {
			continue
		}
		share++
		t.Run(strconv.Itoa(n+1), func(t *testing.T) {
			p := run(t, s)
			if all.add(p); len(p.violations) > 0 {
				all.wrong++
				t.Errorf("first seen in run %d:\n%s", all.runs, p.account())
			}
		})
	}
	if !racing && !long && all.runs == share { // -test.run may have chosen some of them
		all.covers(t)
	}
}

// playDrawn plays drawn worlds, and shrinks one in which a promise is broken.
func (all *total) playDrawn(t *testing.T) {
	t.Helper()
	again := given("rapid.checks") <= few && given("rapid.seed") != 0
	rapid.Check(t, func(rt *rapid.T) {
		s := drawSetup().Draw(rt, "world")
		n := 1
		if all.wrong > 0 || again {
			n = tries
		}
		for range n {
			p := run(t, s)
			all.add(p)
			if len(p.violations) == 0 {
				all.collect(t, s, p)
				continue
			}
			if all.wrong++; all.wrong == 1 { // the order of goroutines may not come about again
				t.Logf("first seen in run %d:\n%s\n\n%s", all.runs, p.account(), s.keepsake())
			}
			rt.Logf("%s\n\n%s", p.account(), s.keepsake())
			// While it is shrunk the message must stay the same: it says which promise, and no more.
			rt.Fatalf("%s is broken", strings.SplitN(p.violations[0], ":", 2)[0])
		}
	})
	if all.runs >= enough {
		all.covers(t)
	}
}

// given is the value of a flag that is a number.
func given(name string) (n uint64) {
	if f := flag.Lookup(name); f != nil {
		_, _ = fmt.Sscan(f.Value.String(), &n)
	}
	return n
}

// enough is how many drawn worlds show everything that the controllers can be brought to do.
const enough = 400

// covers checks that the controllers have done everything that they can do: worlds in which something never comes about
// show nothing of it.
func (all *total) covers(t *testing.T) {
	t.Helper()
	for _, what := range everything() {
		if all.done[what] == 0 {
			t.Errorf("no controller ever came to %q in %d runs", what, all.runs)
		}
	}
}

// everything is what controllers can be brought to do, by action and reason.
func everything() []string {
	return []string{
		"fail ContainerExited", "fail ContainerOOMKilled", "fail NeverStarted", "fail+release ContainerExited",
		"fail+release ContainerGone", "fail+release ContainerTaken", "report ContainerTaken", "adopt ContainerReplaced",
		"adopt ContainerUnrecorded", "report ContainerUnrecorded", "pin SessionEnded", "stop SessionEnded",
		"remove SessionEnded", "remove-dead SessionEnded", "release SessionEnded", "release ContainerShared",
		"stop ContainerLeaked", "remove ContainerLeaked", "report ContainerLeaked", "stop ContainerSuperseded",
		"remove ContainerSuperseded", "report ContainerForeign", "report ContainerKept", "hold ContainerKept",
		"hold StatusUnknown", "hold ClaimInvalid", "hold SessionElsewhere", "hold TableEmpty", "hold BreakerTripped",
		"retry LookFailed",
	}
}

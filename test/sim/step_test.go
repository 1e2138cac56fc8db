package sim

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"pgregory.net/rapid"
)

// setup is what a run's world is like.
type setup struct {
	// breaks is the rule of the contract that the server breaks, or "".
	breaks string
	// engines is how many there are, each with a node of its own; replicas how many controllers serve each.
	engines, replicas int
	// lease says that only one of the replicas works.
	lease bool
	// numbers says that session ids are numbers, which are used again.
	numbers bool
	// touchy makes the breaker trip at few sessions.
	touchy bool
	// all says policy.removeLeaked: all, claimed ownership.claimed.
	all, claimed bool
	// none says policy.removeLeaked: none, exclusive ownership.exclusive.
	none, exclusive bool
	// wedged says that what is wedged stays so when the faults end: it may delay nobody else.
	wedged bool
	// rehearsed says that one more controller looks at each engine and may do nothing.
	rehearsed bool
	// crowded says that at the end many containers hang while a session is to be acted on, thawed that the engine itself
	// does for a while.
	crowded, thawed bool
	// delayed says that there is a policy.removalDelay, tails that policy.keepLogs keeps some lines.
	delayed, tails bool
	steps          []step
}

// The rules of the server's side of the contract, each of which one mode breaks.
const (
	savesLate     = "saves the claim too late"
	usesAgain     = "revives a session with the container that it had"
	endsLate      = "ends the row long after its own stop"
	makesTwo      = "makes two labelled containers for one session"
	keepsContract = ""
)

// step is one thing that somebody does. What its numbers mean depends on its kind.
type step struct {
	kind       string
	a, b, c, d int
	wait       time.Duration
}

// kinds are weighted by how often they stand here.
func kinds() []string {
	often := []string{"nothing", "open", "open", "open", "open", "end", "respawn", "crash", "advance", "share", "oom"}
	usual := []string{
		"end with stop", "stop then end", "delete", "toggle", "clear", "restart", "unknown status", "known status",
		"stop", "kill", "remove", "pause", "unpause", "created only", "foreign", "claim nonsense", "claim nothing",
		"slow", "hang", "refuse", "fail", "fail lists", "stranger", "cut", "lost answer", "freeze streams", "cut streams",
		"bad delivery", "forget", "crash engine", "shutdown engine", "reboot", "swap engine", "detour", "two engines",
		"stand-in", "miss a stop", "first contact", "skew", "wedge", "jam", "slow removal",
		"database down", "database hangs", "database loses answers", "die at effect", "kill controller", "stop controller",
		"start behind back", "rename", "move", "empty table", "many gone", "all lost", "old copy", "exit unnoticed",
		"recreate", "meddle", "meddle", "hold", "hold", "let go",
	}
	return append(slices.Repeat(often, 2), usual...) // the first is what a history is shrunk to
}

func drawSetup() *rapid.Generator[setup] {
	return rapid.Custom(func(t *rapid.T) setup {
		breaks := rapid.SampledFrom([]string{
			keepsContract, keepsContract, keepsContract, keepsContract, savesLate, usesAgain, endsLate, makesTwo,
		}).Draw(t, "breaks")
		s := setup{
			breaks:   breaks,
			engines:  rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "engines"),
			replicas: rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "replicas"),
			lease:    rapid.Bool().Draw(t, "lease"),
			numbers:  rapid.SampledFrom([]bool{false, false, true}).Draw(t, "numbers"),
			touchy:   rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, "touchy"),
			all:      rapid.SampledFrom([]bool{false, false, true}).Draw(t, "all"),
			claimed:  rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, "claimed"),

			exclusive: rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, "exclusive"),
			rehearsed: rapid.SampledFrom([]bool{false, false, false, false, true}).Draw(t, "rehearsed"),
			crowded:   rapid.SampledFrom([]bool{false, false, false, false, false, false, false, true}).Draw(t, "crowded"),
			thawed:    rapid.SampledFrom([]bool{false, false, false, false, false, false, false, true}).Draw(t, "thawed"),
		}
		s.none = !s.all && rapid.SampledFrom([]bool{false, false, false, false, false, true}).Draw(t, "none")
		s.delayed = rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, "delayed")
		s.tails = rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, "tails")
		s.wedged = rapid.SampledFrom([]bool{false, false, true}).Draw(t, "wedged")
		s.steps = rapid.SliceOfN(drawStep(), leastSteps(), mostSteps(leastSteps())).Draw(t, "steps")
		return s
	})
}

// leastSteps is how many steps a world has at least; SIM_STEPS says otherwise. Long worlds cost less for each step.
func leastSteps() int {
	if n, err := strconv.Atoi(os.Getenv("SIM_STEPS")); err == nil && n > 0 {
		return n
	}
	return 20
}

func mostSteps(least int) int { return max(100, least+least/4) }

// faulty are the kinds of steps that make something go wrong with an engine, the database, a controller or many at
// once.
func faulty(kind string) bool {
	switch kind {
	case "nothing", "advance", "open", "end", "end with stop", "stop then end", "delete", "toggle", "share", "clear",
		"respawn", "recreate", "unknown status", "known status", "pause", "unpause", "created only", "foreign", "move",
		"restart", "stop", "meddle", "hold", "let go":
		return false
	}
	return true
}

func drawStep() *rapid.Generator[step] {
	number := rapid.IntRange(0, 1000)
	all := kinds()
	waits := []time.Duration{
		0, 0, 0, 0, time.Millisecond, 20 * time.Millisecond, 200 * time.Millisecond, time.Second, 3 * time.Second,
		6 * time.Second, 12 * time.Second, 35 * time.Second, 65 * time.Second,
	}
	return rapid.Custom(func(t *rapid.T) step {
		return step{
			kind: rapid.SampledFrom(all).Draw(t, "kind"),
			a:    number.Draw(t, "a"), b: number.Draw(t, "b"), c: number.Draw(t, "c"), d: number.Draw(t, "d"),
			wait: rapid.SampledFrom(waits).Draw(t, "wait"),
		}
	})
}

// String tells the world of a run in words.
func (s setup) String() string {
	breaks := "keeps its contract"
	if s.breaks != keepsContract {
		breaks = s.breaks
	}
	return fmt.Sprintf("%d engine(s), %d controller(s) each, lease %t, number ids %t, touchy breaker %t, remove all %t, "+
		"remove none %t, own what is claimed %t, exclusive %t, wedged for good %t, rehearsed %t, crowded %t, thawed %t, "+
		"delayed %t, tails %t; the server %s",
		s.engines, s.replicas, s.lease, s.numbers, s.touchy, s.all, s.none, s.claimed, s.exclusive, s.wedged, s.rehearsed,
		s.crowded, s.thawed, s.delayed, s.tails, breaks)
}

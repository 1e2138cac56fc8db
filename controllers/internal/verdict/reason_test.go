package verdict

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Every verdict is among those that metrics have a series for from the first scrape on.
func TestEveryEffectThatIsDecidedIsPossible(t *testing.T) {
	t.Parallel()
	possible, reasons := Effects(), DriftReasons()
	check := func(t *rapid.T, v Verdict) {
		if v.Drift() && !slices.Contains(possible, Effect{v.Action, v.Reason}) {
			t.Errorf("%s for %s is not among the possible effects", v.Action, v.Reason)
		}
		if (v.Drift() || v.HeldBack()) && !slices.Contains(reasons, v.Reason) {
			t.Errorf("%s is not among the reasons of a drift", v.Reason)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := DefaultPolicy()
		p.CrashLoop = rapid.SampledFrom([]CrashLoopPolicy{CrashLoopReport, CrashLoopFail}).Draw(t, "crashLoop")
		p.RemoveLeaked = rapid.SampledFrom([]LeakPolicy{RemoveLabelled, RemoveAll, RemoveNone}).Draw(t, "removeLeaked")
		check(t, DecideSession(p, anyFacts(t)))
		check(t, DecideContainer(p, anyContainerFacts(t)))
	})
}

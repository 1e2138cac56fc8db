package main

import "slices"

// edit is a change of one function: a text that stands in it once, and what stands there in its place. The function is
// found by its name in whatever file it stands, so that to move it costs nothing: "name" or "Type.name", with the name
// of its package in front where several have one of that name ("sessiondb.Type.name").
//
// It does not replace the whole function: a copy of one would miss what is mended in the original later, and be caught
// for that.
type edit struct{ function, from, to string }

// mutant is a controller that is wrong in one way.
type mutant struct {
	name string
	// breaks are the promises that it breaks: caught by another one it was caught by chance.
	breaks string
	edits  []edit
}

// verifying is how the engine's guard judges an answer.
const verifying = "	if identity == accepted {"

// mutants are the ways in which a controller of this kind has been wrong, here or elsewhere.
func mutants() []mutant {
	return slices.Concat(lookMutants(), graceMutants(), effectMutants(), deafMutants(), carelessMutants())
}

// deafMutants are slow, or come to nothing.
func deafMutants() []mutant {
	return []mutant{
		{"no event of the engine is heard", "L1", []edit{{
			"eventTrigger.handle", "if !worthALook(e.Action) {", "if !worthALook(e.Action) || true {",
		}}},
		{"no change of a row is heard", "L1", []edit{{
			"Controller.SetupWithManager", "runnables = append(runnables, changes.Start)", "_ = changes",
		}}},
		{"the event stream stays with the engine that it was dialled to", "L1", []edit{{
			"Requests.Redial", "ask(r.redial)", "_ = r.redial",
		}}},
		{"connections to another engine are kept", "L1", []edit{{
			"Guard.Saw", "	if !served {\n", "	if false && !served {\n",
		}}},
		{"the stream is taken for whole since a time that the engine's clock has yet to reach", "L1", []edit{{
			"Watcher.listen", "if w.clockWasSet(info.Time, read) {", "if w.clockWasSet(info.Time, read) && false {",
		}}},
		{"sweeps come too seldom", "L1", []edit{{
			"sweepLoop.Start", "next := wait.Spread(l.core.ResyncPeriod)", "next := wait.Spread(100 * l.core.ResyncPeriod)",
		}}},
		{"containers that hang hold every worker", "L1", []edit{{
			"slowLane.enter", "if l.in >= l.width {", "if false {",
		}}},
		{"sessions whose looks hung with the engine are let in one by one", "L1", []edit{
			{"Sweeper.run", "	if s.hung {", "	if false {"},
			{"slowLane.enter", "		next = l.call()", "		next = nil"},
		}},
		{"a live session is not given the container that took the place of its own", "S1 L1", []edit{{
			"decideLive", "if f.Replacement.Phase == dockerwatch.Running && !c.Phase.Alive() {", "if false {",
		}}},
		{"a failed look for a session's other containers is taken for none", "S1", []edit{{
			"candidates.replacement", "	if err != nil || len(found) != 1 {\n		return none, err",
			"	if err != nil || len(found) != 1 {\n		return none, nil",
		}}},
	}
}

// lookMutants believe what is no proof.
func lookMutants() []mutant {
	return []mutant{
		{"any 404 is taken for a container that is gone", "S1 S2 S5", []edit{{
			"answer.noSuchContainer", `strings.EqualFold(a.message, "No such container: "+ref)`, `ref != ""`,
		}}},
		{"an error of the engine is taken for a container that is gone", "S1 S2 S5", []edit{{
			"Sessions.lookAtContainer",
			"	if err != nil {\n		return fail(err)\n	}\n	f.Now, f.Container, f.NameReused = now, c, remade",
			"	if err != nil {\n		c = dockerwatch.Observation{Phase: dockerwatch.Gone}\n	}\n" +
				"	f.Now, f.Container, f.NameReused = now, c, remade",
		}}},
		{"an answer counts whichever connection it came from", "S1 S2 S5", []edit{{
			"Guard.verify", verifying, "	if identity != accepted || identity == accepted {",
		}}},
		{"an engine that was never seen is accepted though it has none of the containers", "S1 S2 S5 L1", []edit{{
			"ClaimSurvey.plausible", "return c.Found > 0 || c.LiveClaims == 0", "return c.Found >= 0",
		}}},
		{"events are trusted without a look", "S1", []edit{{
			"Sessions.consider", "	l.recall(f, seen)\n",
			"	l.recall(f, seen)\n	if f.Evidence.Ended() || l.history.Evidence(c.ID, time.Time{}).Ended() {\n" +
				"		f.Container.Phase, f.Evidence.Crash = dockerwatch.Exited, true\n		c = f.Container\n	}\n",
		}}},
		{"who claims a container is read before the container is looked at, and not again", "S1 S2", []edit{
			{"Containers.lookAtContainer", "	c, err := l.engine.Observe(ctx, string(key))",
				"	early, err := l.store.Claimants(ctx, dockerwatch.References(string(key), \"\"))\n	if err != nil {\n" +
					"		return err\n	}\n	c, err := l.engine.Observe(ctx, string(key))"},
			{"Containers.lookAtContainer",
				"	f.Claimants, err = l.store.Claimants(ctx, dockerwatch.References(c.ID, c.Name))\n	return err",
				"	f.Claimants = early\n	return nil"},
			{"Containers.Apply", "	if err := e.unchanged(ctx, f); err != nil {\n		return false, err\n	}\n", ""},
		}},
		{"a name is believed to mean the container that had it when the sweep began", "S1 S5", []edit{{
			"Sweeper.remember", "case !s.Sessions.ClaimedBefore(key, row.Claim, listed):", "case false:",
		}}},
		{"a running container is taken for the claimed one's successor though another one could be it", "S1", []edit{
			{"Containers.lookAtSession", "f.Alone = len(others) == 0", "f.Alone = len(others) >= 0"},
			{"candidates.replacement", "if err != nil || len(found) != 1 {", "if err != nil || len(found) == 0 {"},
		}},
	}
}

// graceMutants do not wait, or do not come back.
func graceMutants() []mutant {
	return []mutant{
		{"no grace for a container that was stopped", "S1", []edit{{
			"decideStopped", "	grace := p.ExitGrace.Duration\n", "	grace := 0 * p.ExitGrace.Duration\n",
		}}},
		{"no grace for a container that its engine may start again", "S1", []edit{{
			"decideStopped", "grace = max(grace, p.RestartGrace.Duration)", "grace = max(grace, 0)",
		}}},
		{"no grace for a container that is about to start", "S1", []edit{{
			"decideLive", "Wait: f.remaining(since, p.StartGrace.Duration)}", "Wait: 0 * f.remaining(since, 0)}",
		}}},
		{"no grace for a name that was saved ahead of its container", "S1", []edit{{
			"decideGone", "f.remaining(time.Time{}, max(p.StartGrace.Duration, p.GoneGrace.Duration))", "0",
		}}},
		{"no grace for a container whose claim is about to be saved", "S1", []edit{{
			"ContainerFacts.LeakGraceLeft", "remaining(f.Now, f.Container.Created, f.CauseFor, p.LeakGrace.Duration)",
			"remaining(f.Now, f.Container.Created, f.CauseFor, 0)",
		}}},
		{"a container is adopted as soon as it is seen", "S1", []edit{{
			"ContainerFacts.unrecorded", "Wait: max(p.AdoptAfter.Duration-f.CauseFor, 0)}", "Wait: 0}",
		}}},
		{"a stop that somebody asked for is taken for a crash", "S1", []edit{{
			"History.evidence", "e.Crash = !killed && whole", "e.Crash = killed || whole",
		}}},
		{"a gap in the events is not noticed", "S1", []edit{
			{"Watcher.settle", "	default:\n		w.history.Whole(engineNow)\n		return true", "	default:\n		return true"},
		}},
		{"events are resumed from this machine's clock", "S1", []edit{
			{"Watcher.resumeFrom", "	case !w.last.Time.IsZero():\n		return w.last.Time",
				"	case !w.last.Time.IsZero():\n		return time.Now()"},
		}},
		{"no sweep after a reconnection", "L1", []edit{
			{"Controller.handlers", "			c.requests.Sweep() // a sweep is due after every connection\n", ""},
			{"retryLimit", "return min(backoffCapDown, maxBackoff)", "return maxBackoff"},
		}},
	}
}

package main

import "slices"

// edit is a change of one file: a text that stands in it once, and what stands there in its place.
type edit struct{ file, from, to string }

// mutant is a controller that is wrong in one way.
type mutant struct {
	name string
	// breaks are the promises that it breaks: caught by another one it was caught by chance.
	breaks string
	edits  []edit
}

const (
	decide          = "controllers/decide.go"
	decideContainer = "controllers/decide_container.go"
	decideEngine    = "controllers/decide_engine.go"
	guard           = "controllers/engine_guard.go"
	vouching        = "controllers/vouched.go"
	looks           = "controllers/looks.go"
	doubts          = "controllers/doubts.go"
	checking        = "	if _, err := g.checks.Do(ctx, struct{}{}); err != nil {"
	effects         = "controllers/effects.go"
	containers      = "controllers/container_controller.go"
	statements      = "pkg/sessiondb/statements_write.go"
	removing        = "pkg/dockerwatch/remove.go"
)

// mutants are the ways in which a controller of this kind has been wrong, here or elsewhere.
func mutants() []mutant {
	return slices.Concat(lookMutants(), graceMutants(), effectMutants(), deafMutants(), carelessMutants())
}

// deafMutants are slow, or come to nothing.
func deafMutants() []mutant {
	return []mutant{
		{"no event of the engine is heard", "L1", []edit{{
			"controllers/triggers.go", "if !worthALook(e.Action) {", "if !worthALook(e.Action) || true {",
		}}},
		{"no change of a row is heard", "L1", []edit{{
			"controllers/setup.go", "runnables = append(runnables, changes.Start)", "_ = changes",
		}}},
		{"the event stream stays with the engine that it was dialled to", "L1", []edit{{
			"controllers/setup.go", "		watcher.Redial()\n", "",
		}}},
		{"the event stream follows another engine than the calls lead to", "L1", []edit{{
			"pkg/dockerwatch/watch.go", `if engine != "" && engine != info.Identity() {`, "if false {",
		}}},
		{"connections to another engine are kept", "L1", []edit{{guard, "	if !served {\n", "	if false && !served {\n"}}},
		{"the stream is taken for whole since a time that the engine's clock has yet to reach", "L1", []edit{{
			"pkg/dockerwatch/watch.go", "if w.clockWasSet(info.Time, read) {", "if w.clockWasSet(info.Time, read) && false {",
		}}},
		{"sweeps come too seldom", "L1", []edit{{
			"controllers/sweep_loop.go", "wait := jittered(l.core.ResyncPeriod)", "wait := jittered(100 * l.core.ResyncPeriod)",
		}}},
		{"containers that hang hold every worker", "L1", []edit{{
			"controllers/slow_lane.go", "if l.in >= l.width {", "if false {",
		}}},
		{"sessions whose looks hung with the engine are let in one by one", "L1", []edit{
			{"controllers/sweep.go", "if s.recovered != nil && errors.Is(", "if s.recovered != nil && false && errors.Is("},
			{"controllers/slow_lane.go", "		next = l.call()", "		next = nil"},
		}},
		{"a live session is not given the container that took the place of its own", "S1 L1", []edit{{
			decide, "if f.Replacement.Phase == dockerwatch.Running && !c.Phase.Alive() {", "if false {",
		}}},
		{"a failed look for a session's other containers is taken for none", "S1", []edit{{
			"controllers/candidates.go", "	if err != nil || len(found) != 1 {\n		return none, err",
			"	if err != nil || len(found) != 1 {\n		return none, nil",
		}}},
	}
}

// lookMutants believe what is no proof.
func lookMutants() []mutant {
	return []mutant{
		{"any 404 is taken for a container that is gone", "S1 S2 S5", []edit{{
			"pkg/dockerwatch/transport.go", `strings.EqualFold(a.message, "No such container: "+ref)`, `ref != ""`,
		}}},
		{"an error of the engine is taken for a container that is gone", "S1 S2 S5", []edit{{
			looks, "	if err != nil {\n		return fail(err)\n	}\n	f.Now, f.Container, f.Remade = now, c, remade",
			"	if err != nil {\n		c = dockerwatch.Observation{Phase: dockerwatch.Gone}\n	}\n" +
				"	f.Now, f.Container, f.Remade = now, c, remade",
		}}},
		{"absence is believed of whatever engine answers", "S1 S2 S5", []edit{
			{vouching, `if identity == "" || identity == accepted {`, `if identity != accepted || identity == accepted {`},
			{guard, checking, "	if err := ctx.Err(); err != nil {"},
		}},
		{"absence is not confirmed by asking the engine who it is", "S1 S2 S5", []edit{{
			guard, checking, "	if err := ctx.Err(); err != nil {",
		}}},
		{"an answer counts whichever connection it came from", "S1 S2 S5", []edit{{
			vouching, `if identity == "" || identity == accepted {`, `if identity != accepted || identity == accepted {`,
		}}},
		{"the engine's identity is checked before the look and not after", "S1 S2 S5", []edit{
			{vouching, `if identity == "" || identity == accepted {`, `if identity != accepted || identity == accepted {`},
			{looks, "	c, remade, err := l.observe(ctx, key, f.Row)", "	if err := l.guard.confirm(ctx, \"\"); err != nil {\n" +
				"		return fail(err)\n	}\n	c, remade, err := l.observe(ctx, key, f.Row)"},
			{looks, "	if err := l.confirm(ctx, key, f); err != nil {", "	if err := l.confirm(ctx, key, f); false {"},
		}},
		{"an engine that was never seen is accepted though it has none of the containers", "S1 S2 S5 L1", []edit{{
			decideEngine, "return c.Found > 0 || c.LiveClaims == 0", "return c.Found >= 0",
		}}},
		{"events are trusted without a look", "S1", []edit{{
			looks, "	l.recall(key, f, began)\n",
			"	l.recall(key, f, began)\n	if f.Evidence.Ended() || l.history.Evidence(c.ID, time.Time{}).Ended() {\n" +
				"		f.Container.Phase, f.Evidence.Crash = dockerwatch.Exited, true\n		c = f.Container\n	}\n",
		}}},
		{"who claims a container is read before the container is looked at, and not again", "S1 S2", []edit{
			{"controllers/container_looks.go", "	c, err := l.engine.Observe(ctx, string(key))",
				"	early, err := l.store.Claimants(ctx, dockerwatch.References(string(key), \"\"))\n	if err != nil {\n" +
					"		return err\n	}\n	c, err := l.engine.Observe(ctx, string(key))"},
			{"controllers/container_looks.go",
				"	f.Claimants, err = l.store.Claimants(ctx, dockerwatch.References(c.ID, c.Name))\n	return err",
				"	f.Claimants = early\n	return nil"},
			{containers, "	if err := s.unchanged(ctx, f); err != nil {\n		return false, err\n	}\n", ""},
		}},
		{"a name is believed to mean the container that had it when the sweep began", "S1 S5", []edit{{
			"controllers/sweep.go", "case !s.memory.claimedBefore(key, row.Claim, listed):", "case false:",
		}}},
		{"a running container is taken for the claimed one's successor though another one could be it", "S1", []edit{
			{"controllers/container_looks.go", "f.Alone = len(others) == 0", "f.Alone = len(others) >= 0"},
			{"controllers/candidates.go", "if err != nil || len(found) != 1 {", "if err != nil || len(found) == 0 {"},
		}},
	}
}

// graceMutants do not wait, or do not come back.
func graceMutants() []mutant {
	return []mutant{
		{"no grace for a container that was stopped", "S1", []edit{{
			decide, "	grace := p.ExitGrace.Duration\n", "	grace := 0 * p.ExitGrace.Duration\n",
		}}},
		{"no grace for a container that its engine may start again", "S1", []edit{{
			decide, "grace = max(grace, p.RestartGrace.Duration)", "grace = max(grace, 0)",
		}}},
		{"no grace for a container that is about to start", "S1", []edit{{
			decide, "Wait: f.remaining(since, p.StartGrace.Duration)}", "Wait: 0 * f.remaining(since, 0)}",
		}}},
		{"no grace for a name that was saved ahead of its container", "S1", []edit{{
			decide, "f.remaining(time.Time{}, max(p.StartGrace.Duration, p.GoneGrace.Duration))", "0",
		}}},
		{"no grace for a container whose claim is about to be saved", "S1", []edit{{
			decideContainer, "remaining(f.Now, f.Container.Created, f.CauseFor, p.LeakGrace.Duration)",
			"remaining(f.Now, f.Container.Created, f.CauseFor, 0)",
		}}},
		{"a container is adopted as soon as it is seen", "S1", []edit{{
			decideContainer, "Wait: max(p.AdoptAfter.Duration-f.CauseFor, 0)}", "Wait: 0}",
		}}},
		{"a stop that somebody asked for is taken for a crash", "S1", []edit{{
			"pkg/dockerwatch/history.go", "e.Crash = !killed && whole", "e.Crash = killed || whole",
		}}},
		{"a gap in the events is not noticed", "S1", []edit{
			{"pkg/dockerwatch/watch.go", "	default:\n		w.history.Whole(engineNow)\n		return true", "	default:\n		return true"},
		}},
		{"events are resumed from this machine's clock", "S1", []edit{
			{"pkg/dockerwatch/watch.go", "	case !w.last.Time.IsZero():\n		return w.last.Time",
				"	case !w.last.Time.IsZero():\n		return time.Now()"},
		}},
		{"no sweep after a reconnection", "L1", []edit{
			{"controllers/setup.go", "			c.loop.request()  // a sweep is due after every connection\n", ""},
			{"controllers/sweep_loop.go", "limit = backoffCapDown", "limit = backoffCap"},
		}},
	}
}

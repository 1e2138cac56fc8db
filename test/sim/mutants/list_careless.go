package main

// carelessMutants do what they should, and more, or without looking again.
func carelessMutants() []mutant {
	const anyNode = " AND (1 = 1 OR "
	return []mutant{
		{"sessions that are gone together are not held", "S2", []edit{{
			"BreakerPolicy.TooManyGone", "return p.tooMany(c.Gone, c.Live)", "return false",
		}}},
		{"sessions that are gone in a second disaster are not held", "S2", []edit{{
			"Breaker.Gone", "min(time.Since(b.gone), goneFor)", "time.Since(b.gone)",
		}}},
		{"containers that lost their rows together are removed", "S2", []edit{{
			"BreakerPolicy.TooManyRowless", "return p.tooMany(c.Rowless, c.Owned)", "return false",
		}}},
		{"another installation's containers count as ours", "S3 S1", []edit{{
			"Ownership.Judge",
			"if owner.Installation != \"\" && owner.Installation != o.Installation {", "if false {",
		}}},
		{"an ended session's claim gives it the container of another", "S1", []edit{{
			"decideEnded", "case f.Owner.OtherSession(f.Row.ID), SharedWithHeld(f.Others):", "case SharedWithHeld(f.Others):",
		}}},
		{"the claims of other nodes do not count", "S1 S2", []edit{{
			"Containers.lookAtContainer",
			"	f.Claimants, err = l.store.Claimants(ctx, dockerwatch.References(c.ID, c.Name))\n	return err",
			"	f.Claimants, err = l.store.Claimants(ctx, dockerwatch.References(c.ID, c.Name))\n	" +
				"for i := 0; i < len(f.Claimants); i++ {\n		if !l.store.Serves(f.Claimants[i]) {\n			" +
				"f.Claimants = append(f.Claimants[:i], f.Claimants[i+1:]...)\n" +
				"			i--\n		}\n	}\n	return err",
		}, {
			"Containers.unchanged", "	if len(claimants) > 0 {",
			"	if len(claimants) > 0 && claimants[0].Node == f.Session.Node {",
		}}},
		{"a container is removed with its volumes", "S3", []edit{{
			"Engine.Remove", "RemoveVolumes: opts.Volumes}", "RemoveVolumes: true}",
		}}},
		{"a container is killed and not stopped", "S3", []edit{{
			"Engine.Stop", "wholeSeconds(grace)", "wholeSeconds(0 * grace)",
		}}},
		{"a container that no row claims is looked at once", "S1", []edit{{
			"ContainerFacts.leaked", "p.GoneGrace.Duration-f.WatchedFor)", "0)",
		}}},
		{"the rows are not read again before a container that none claims is removed", "S1 S2", []edit{{
			"Containers.Apply", "	if err := e.unchanged(ctx, f); err != nil {\n		return false, err\n	}\n", "",
		}}},
		{"a row is written though it is of another node by now", "S2", []edit{{
			"update", "\" AND \" + d.same(e.node, arg(argNode)) +",
			"\"" + anyNode + "\" + d.same(e.node, arg(argNode)) + \")\" +",
		}}},
		{"a dry run writes", "S6", []edit{{
			"effectGate.enter", "	if g.dryRun {", "	if false {",
		}}},
		{"a pause is not obeyed", "S6", []edit{{
			"Gate.Check", "if p := g.Current(); p.Active() {\n		return", "if p := g.Current(); false {\n		return",
		}}},
		{"a pause does not end", "L1", []edit{{
			"Gate.take", "	was, is.ledgerErr = g.last, found.ledgerErr\n",
			"	was, is.ledgerErr = g.last, found.ledgerErr\n	if !was.Until.IsZero() {\n		found.Pause = was.Pause\n" +
				"		found.Until = time.Now().Add(time.Hour)\n	}\n",
		}}},
		{"a pause whose record is lost is over", "S6", []edit{{
			"Gate.take", "	case !was.Active(), !was.lost", "	case true, !was.Active(), !was.lost",
		}}},
		{"what is dead is not kept for those who would look at it", "S5", []edit{{
			"decideEnded", "		v.Wait = f.remaining(c.FinishedAt, p.RemovalDelay.Duration)", "",
		}}},
		{"a live session's name means the container that it meant first", "L1 S1 S5", []edit{{
			"Sessions.observe", "	if row.Kind == sessiondb.StatusEnded {\n		ref", "	if true {\n		ref",
		}}},
		{"two sessions share a container where they must not", "L1", []edit{{
			"decideAlive", "		if f.Exclusive {", "		if false {",
		}}},
	}
}

package main

// carelessMutants do what they should, and more, or without looking again.
func carelessMutants() []mutant {
	const anyNode = " AND (1 = 1 OR "
	return []mutant{
		{"sessions that are gone together are not held", "S2", []edit{{
			doubts, "return p.tooMany(t.Gone, t.Live)", "return false",
		}}},
		{"sessions that are gone in a second disaster are not held", "S2", []edit{{
			doubts, "min(time.Since(d.gone), goneFor)", "time.Since(d.gone)",
		}}},
		{"containers that lost their rows together are removed", "S2", []edit{{
			doubts, "return p.tooMany(t.Rowless, t.Owned)", "return false",
		}}},
		{"another installation's containers count as ours", "S3 S1", []edit{{
			"pkg/dockerwatch/ownership.go",
			"if owner.Installation != \"\" && owner.Installation != o.Installation {", "if false {",
		}}},
		{"an ended session's claim gives it the container of another", "S1", []edit{{
			decide, "case f.Owner.OtherSession(f.Row.ID), sharedWithHeld(f.Others):", "case sharedWithHeld(f.Others):",
		}}},
		{"the claims of other nodes do not count", "S1 S2", []edit{{
			"controllers/container_looks.go",
			"	f.Claimants, err = l.store.Claimants(ctx, dockerwatch.References(c.ID, c.Name))\n	return err",
			"	f.Claimants, err = l.store.Claimants(ctx, dockerwatch.References(c.ID, c.Name))\n	" +
				"for i := 0; i < len(f.Claimants); i++ {\n		if !l.store.Serves(f.Claimants[i]) {\n			" +
				"f.Claimants = append(f.Claimants[:i], f.Claimants[i+1:]...)\n" +
				"			i--\n		}\n	}\n	return err",
		}, {
			containers, "	if len(claimants) > 0 {", "	if len(claimants) > 0 && s.store.Serves(claimants[0]) {",
		}}},
		{"a container is removed with its volumes", "S3", []edit{{
			removing, "container.RemoveOptions{RemoveVolumes: opts.Volumes})\n}\n\n// RemoveDead",
			"container.RemoveOptions{RemoveVolumes: true})\n}\n\n// RemoveDead",
		}}},
		{"a container is killed and not stopped", "S3", []edit{{
			removing, "wholeSeconds(grace)", "wholeSeconds(0 * grace)",
		}}},
		{"a container that no row claims is looked at once", "S1", []edit{{
			decideContainer, "p.GoneGrace.Duration-f.WatchedFor)", "0)",
		}}},
		{"the rows are not read again before a container that none claims is removed", "S1 S2", []edit{{
			containers, "	if err := s.unchanged(ctx, f); err != nil {\n		return false, err\n	}\n", "",
		}}},
		{"a row is written though it is of another node by now", "S2", []edit{{
			statements, "\" AND \" + d.same(e.node, arg(argNode)) +",
			"\"" + anyNode + "\" + d.same(e.node, arg(argNode)) + \")\" +",
		}}},
		{"a dry run writes", "S6", []edit{{
			"controllers/permit.go", "	if p.dryRun {", "	if false {",
		}}},
		{"a pause is not obeyed", "S6", []edit{{
			"controllers/pause.go", "if p := g.current(); p.Active() {\n		return", "if p := g.current(); false {\n		return",
		}}},
		{"a pause does not end", "L1", []edit{{
			"controllers/pause.go", "	was, is.blind = g.last, found.blind\n",
			"	was, is.blind = g.last, found.blind\n	if !was.Until.IsZero() {\n		found.Pause = was.Pause\n" +
				"		found.Until = time.Now().Add(time.Hour)\n	}\n",
		}}},
		{"a pause whose record is lost is over", "S6", []edit{{
			"controllers/pause.go", "	case was.Active() && found.Made", "	case false && found.Made",
		}}},
		{"what is dead is not kept for those who would look at it", "S5", []edit{{
			decide, "		v.Wait = f.remaining(c.FinishedAt, p.RemovalDelay.Duration)", "",
		}}},
		{"a live session's name means the container that it meant first", "L1 S1 S5", []edit{{
			"controllers/observe.go", "	if row.Kind == sessiondb.StatusEnded {\n		ref", "	if true {\n		ref",
		}}},
		{"two sessions share a container where they must not", "L1", []edit{{
			decide, "		if f.Exclusive {", "		if false {",
		}}},
	}
}

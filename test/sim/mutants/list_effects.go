package main

// effectMutants do what they must not, or in the wrong order.
func effectMutants() []mutant {
	const castAway = " AND (1 = 1 OR "
	return []mutant{
		{"a claim is released before its container is removed", "S5", []edit{{
			"controllers/effects.go",
			"	if err := call(ctx, f.Container.ID,",
			"	if row, err := e.store.Release(ctx, f.Row); err == nil {\n		f.Row = row\n	}\n" +
				"	if err := call(ctx, f.Container.ID,",
		}}},
		{"a container is removed by force", "S3 S1", []edit{{
			"pkg/dockerwatch/remove.go", "container.RemoveOptions{RemoveVolumes: opts.Volumes})\n}\n\n// RemoveDead",
			"container.RemoveOptions{RemoveVolumes: opts.Volumes, Force: true})\n}\n\n// RemoveDead",
		}}},
		{"a row is written whatever it has become", "S4", []edit{{
			statements,
			"\" AND \" + e.statusText + \" = \" + arg(argStatus) +\n		\" AND \" + e.claimText + \" = \" + arg(argClaim) +",
			"\"" + castAway + "\" + e.statusText + \" = \" + arg(argStatus) +\n		\" AND \" + e.claimText + \" = \" + " +
				"arg(argClaim) + \")\" +",
		}}},
		{"a claim is not pinned before its container is stopped", "S5 S1", []edit{{
			decide, "case f.Row.Claim != c.ID:\n		v.Action = Pin", "case false:\n		v.Action = Pin",
		}}},
		{"a failed session keeps the name it claims", "S5 S1", []edit{{
			"controllers/effects.go", "return e.store.Fail(ctx, f.Row, failure(f, v, cmp.Or(f.Container.ID, f.Renamed)))",
			"return e.store.Fail(ctx, f.Row, failure(f, v, cmp.Or(f.Row.Claim)))",
		}}},
		{"whose a container is does not matter", "S3", []edit{
			{decide, "case !f.Owner.Owned:", "case false:"},
			{decideContainer, "case f.Container.Phase == dockerwatch.Gone, !f.Owner.Owned:",
				"case f.Container.Phase == dockerwatch.Gone:"},
		}},
		{"what is owned by its name alone is removed as leaked", "S3", []edit{{
			decideContainer, "case !p.labelled(f.Owner), removes", "case removes",
		}}},
		{"the keep label is ignored", "S3", []edit{
			{decide, "case f.Owner.Keep:", "case false:"},
			{decideContainer, "case f.Owner.Keep: // row b", "case false:"},
		}},
		{"other sessions that share the container are ignored", "S1 S2", []edit{{
			decide, "if r.Kind != sessiondb.StatusEnded {", "if r.ID == \"\" {",
		}}},
		{"a status that nobody knows counts as ended", "S2", []edit{
			{decide, "case f.Row.Kind == sessiondb.StatusUnknown: // row 1", "case false:"},
			{looks, "	if row.Kind == sessiondb.StatusUnknown {",
				"	if row.Kind == sessiondb.StatusUnknown && row.Claim == \"\" {"},
		}},
		{"a container whose session has a status that nobody knows is removed", "S2", []edit{
			{decideContainer, "case f.SessionFound && f.Session.Kind == sessiondb.StatusUnknown: // row b", "case false:"},
			{decideContainer, "|| f.Session.Kind == sessiondb.StatusEnded { // row f",
				"|| f.Session.Kind != sessiondb.StatusLive {"},
		}},
		{"a container of a session on another node is removed", "S1 S2", []edit{
			{decideContainer, "	if !f.SessionFound || f.Session.Kind", "	if !f.SessionFound || f.Elsewhere || f.Session.Kind"},
			{decideContainer, "case f.SessionFound && f.Session.NodeNull: // row b", "case false:"},
		}},
		{"an ended session is given a container", "S4", []edit{{
			decideContainer, "|| f.Session.Kind == sessiondb.StatusEnded { // row f", "{",
		}}},
		{"a container is superseded by one that does not run", "S1", []edit{{
			decideContainer, "case f.Claimed.Phase == dockerwatch.Running && f.Claimed.ID", "case f.Claimed.ID",
		}}},
		{"leaked containers are removed though the table is empty", "S2", []edit{
			{decideContainer, "case removes && f.TableEmpty:", "case false:"},
			{"controllers/container_looks.go", "!f.TableEmpty && !f.Tripped)", "!f.Tripped)"},
		}},
		{"a dead container is never tried again", "L1", []edit{{
			decide, "return Verdict{Action: RemoveDead, Reason: reason}", "return Verdict{Action: Report, Reason: reason}",
		}}},
		{"events are logged as they come", "S7", []edit{
			{"pkg/dockerwatch/stream.go", "args.Add(\"event\", string(action))", "_ = action"},
			{"pkg/dockerwatch/decode.go", "Action: firstWord(m.Action),", "Action: Action(m.Action),"},
			{"controllers/triggers.go", "	if !worthALook(e.Action) {", "	t.log.Info(\"heard\", \"action\", string(e.Action))\n" +
				"	if !worthALook(e.Action) {"},
		}},
	}
}

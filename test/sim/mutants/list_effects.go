package main

// effectMutants do what they must not, or in the wrong order.
func effectMutants() []mutant {
	const castAway = " AND (1 = 1 OR "
	return []mutant{
		{"a claim is released before its container is removed", "S5", []edit{{
			"Sessions.remove",
			"	if err := call(ctx, f.Container.ID,",
			"	if row, err := e.store.Release(ctx, f.Row); err == nil {\n		f.Row = row\n	}\n" +
				"	if err := call(ctx, f.Container.ID,",
		}}},
		{"a container is removed by force", "S3 S1", []edit{{
			"Engine.Remove", "RemoveVolumes: opts.Volumes}", "RemoveVolumes: opts.Volumes, Force: true}",
		}}},
		{"a row is written whatever it has become", "S4", []edit{{
			"update",
			"\" AND \" + e.statusText + \" = \" + arg(argStatus) +\n		\" AND \" + e.claimText + \" = \" + arg(argClaim) +",
			"\"" + castAway + "\" + e.statusText + \" = \" + arg(argStatus) +\n		\" AND \" + e.claimText + \" = \" + " +
				"arg(argClaim) + \")\" +",
		}}},
		{"a claim is not pinned before its container is stopped", "S5 S1", []edit{{
			"decideEnded", "case f.Row.Claim != c.ID:\n		v.Action = Pin", "case false:\n		v.Action = Pin",
		}}},
		{"a failed session keeps the name it claims", "S5 S1", []edit{{
			"Sessions.act", "return e.store.Fail(ctx, f.Row, verdict.Failure(f, v, cmp.Or(f.Container.ID, f.Renamed.ID)))",
			"return e.store.Fail(ctx, f.Row, verdict.Failure(f, v, cmp.Or(f.Row.Claim)))",
		}}},
		{"whose a container is does not matter", "S3", []edit{
			{"decideEnded", "case !f.Owner.Owned:", "case false:"},
			{"DecideContainer", "case f.Container.Phase == dockerwatch.Gone, !f.Owner.Owned:",
				"case f.Container.Phase == dockerwatch.Gone:"},
		}},
		{"what is owned by its name alone is removed as leaked", "S3", []edit{{
			"guarded", "case !p.Labelled(f.Owner), v.Destroys()", "case v.Destroys()",
		}}},
		{"the keep label is ignored", "S3", []edit{
			{"decideEnded", "case f.Owner.Keep:", "case false:"},
			{"DecideContainer", "case f.Owner.Keep:", "case false:"},
		}},
		{"other sessions that share the container are ignored", "S1 S2", []edit{{
			"SharedWithHeld", "if r.Kind != sessiondb.StatusEnded {", "if r.ID == \"\" {",
		}}},
		{"a status that nobody knows counts as ended", "S2", []edit{
			{"DecideSession", "case f.Row.Kind == sessiondb.StatusUnknown:", "case false:"},
			{"Sessions.Look", " || row.Kind == sessiondb.StatusUnknown {",
				" || row.Kind == sessiondb.StatusUnknown && row.Claim == \"\" {"},
		}},
		{"a container whose session has a status that nobody knows is removed", "S2", []edit{
			{"DecideContainer", "case f.SessionFound && f.Session.Kind == sessiondb.StatusUnknown:", "case false:"},
			{"decideUnclaimed", "|| f.Session.Kind == sessiondb.StatusEnded {",
				"|| f.Session.Kind != sessiondb.StatusLive {"},
		}},
		{"a container of a session on another node is removed", "S1 S2", []edit{
			{"decideUnclaimed", "	if !f.SessionFound || f.Session.Kind", "	if !f.SessionFound || f.OtherNode || f.Session.Kind"},
			{"DecideContainer", "case f.SessionFound && f.Session.NodeNull:", "case false:"},
		}},
		{"an ended session is given a container", "S4", []edit{{
			"decideUnclaimed", "|| f.Session.Kind == sessiondb.StatusEnded {", "{",
		}}},
		{"a container is superseded by one that does not run", "S1", []edit{{
			"decideUnclaimed", "case f.Claimed.Phase == dockerwatch.Running && f.Claimed.ID", "case f.Claimed.ID",
		}}},
		{"leaked containers are removed though the table is empty", "S2", []edit{
			{"guarded", "case v.Destroys() && f.TableEmpty:", "case false:"},
			{"ContainerTracker.Record", "case !f.LeakClosing(p), f.TableEmpty:", "case !f.LeakClosing(p):"},
		}},
		{"a dead container is never tried again", "L1", []edit{{
			"removal", "Action: RemoveDead", "Action: Report",
		}}},
		{"events are logged as they come", "S7", []edit{
			{"watchedFilter", "args.Add(\"event\", string(action))", "_ = action"},
			{"decodeEvent", "Action: firstWord(m.Action),", "Action: Action(m.Action),"},
			{"eventTrigger.handle", "	if !worthALook(e.Action) {", "	t.log.Info(\"heard\", \"action\", string(e.Action))\n" +
				"	if !worthALook(e.Action) {"},
		}},
	}
}

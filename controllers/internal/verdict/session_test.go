package verdict

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

const (
	thisID  = "1111111111111111111111111111111111111111111111111111111111111111"
	session = "s1"
)

// noon is the engine's clock in every case; whatever finished did so some seconds before it.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

// facts returns the facts of one case: a row that claims a container by its full id, which has been looked at for long
// enough that no wait is due to the controller's own memory.
func facts(kind sessiondb.StatusKind, c dockerwatch.Observation, change ...func(*SessionFacts)) SessionFacts {
	status := map[sessiondb.StatusKind]string{
		sessiondb.StatusLive: "ACTIVE", sessiondb.StatusEnded: "TERMINATED", sessiondb.StatusUnknown: "PAUSED",
	}[kind]
	if c.Phase != dockerwatch.Gone && c.Phase != "" {
		c.ID = thisID
		if c.RestartPolicy == "" {
			c.RestartPolicy = "no"
		}
	}
	f := SessionFacts{
		Row:       sessiondb.Row{ID: session, Status: status, Kind: kind, Claim: thisID},
		Container: c, Owner: dockerwatch.Owner{Owned: true, By: dockerwatch.ByName}, Now: noon, SeenBefore: true,
		Counted: true,
	}
	for _, ch := range change {
		ch(&f)
	}
	return f
}

func in(phase dockerwatch.Phase) dockerwatch.Observation {
	return dockerwatch.Observation{Phase: phase}
}

func exited(before time.Duration) dockerwatch.Observation {
	return dockerwatch.Observation{Phase: dockerwatch.Exited, FinishedAt: ago(before), ExitCode: 1}
}

func seenFor(d time.Duration) func(*SessionFacts) {
	return func(f *SessionFacts) { f.ClaimedFor, f.CauseFor = d, d }
}

func claim(s string) func(*SessionFacts) { return func(f *SessionFacts) { f.Row.Claim = s } }

func foreign(f *SessionFacts) { f.Owner = dockerwatch.Owner{} }

func labelled(session string) func(*SessionFacts) {
	return func(f *SessionFacts) {
		f.Owner = dockerwatch.Owner{Owned: true, By: dockerwatch.ByLabel, Session: session}
	}
}

func heard(e dockerwatch.Evidence) func(*SessionFacts) {
	return func(f *SessionFacts) { f.Evidence = e }
}

// nameReused is a container that was made so long ago under the name that another one had.
func nameReused(ago time.Duration) func(*SessionFacts) {
	return func(f *SessionFacts) { f.NameReused, f.Container.Created = true, f.Now.Add(-ago) }
}

func held(d time.Duration) func(*SessionFacts) { return func(f *SessionFacts) { f.Held = d } }

func notCounted(f *SessionFacts) { f.Counted = false }

func crashed(before time.Duration) func(*SessionFacts) {
	return heard(dockerwatch.Evidence{DiedAt: ago(before), Crash: true})
}

func alsoClaimedBy(kind sessiondb.StatusKind) func(*SessionFacts) {
	return func(f *SessionFacts) { f.Others = []sessiondb.Row{{ID: "s2", Kind: kind, Claim: thisID}} }
}

const (
	live    = sessiondb.StatusLive
	ended   = sessiondb.StatusEnded
	unknown = sessiondb.StatusUnknown
)

func TestDecideSessionFollowsTheTable(t *testing.T) {
	t.Parallel()
	looping := dockerwatch.Observation{Phase: dockerwatch.Restarting, RestartPolicy: "always", RestartCount: 9}
	tests := []struct {
		rule   string
		reason string
		facts  SessionFacts
		want   Verdict // without its rule
	}{
		{
			"N", "a row of another node is that node's controller's",
			facts(live, exited(time.Hour), func(f *SessionFacts) { f.OtherNode = true }), Verdict{Action: Nothing},
		},
		{
			"4", "a row that could not be read says nothing, not even that it claims nothing",
			facts(ended, in(""), claim(""), func(f *SessionFacts) { f.RowFailed = true }),
			Verdict{Action: Retry, Reason: LookFailed},
		},
		{
			"1", "nobody knows what an unknown status wants, so a running container stays",
			facts(unknown, in(dockerwatch.Running)), Verdict{Action: Hold, Reason: StatusUnknown},
		},
		{
			"1", "an unknown status keeps even a dead container",
			facts(unknown, exited(time.Hour)), Verdict{Action: Hold, Reason: StatusUnknown},
		},
		{
			"1", "an unknown status is hands off even when a look failed",
			facts(unknown, in(""), func(f *SessionFacts) { f.LookFailed = true }), Verdict{Action: Hold, Reason: StatusUnknown},
		},
		{
			"2", "a live row that claims nothing is left to the container controller",
			facts(live, in(""), claim("")), Verdict{Action: Nothing},
		},
		{
			"2", "a claim of blanks claims nothing",
			facts(ended, in(""), claim("  ")), Verdict{Action: Nothing},
		},
		{
			"3", "a claim that can name no container is never acted on",
			facts(live, in(""), claim("no such/ref"), func(f *SessionFacts) { f.ClaimInvalid = true }),
			Verdict{Action: Hold, Reason: ClaimInvalid},
		},
		{
			"4", "an error is not an observation, whatever else is known",
			facts(live, exited(time.Hour), crashed(time.Hour), func(f *SessionFacts) { f.LookFailed = true }),
			Verdict{Action: Retry, Reason: LookFailed},
		},
		{
			"4", "an error about an ended row's container changes nothing either",
			facts(ended, in(""), func(f *SessionFacts) { f.LookFailed = true }), Verdict{Action: Retry, Reason: LookFailed},
		},
		{
			"4", "a state that the engine has not had until now is no observation",
			facts(live, in("Hibernating")), Verdict{Action: Retry, Reason: LookFailed},
		},
		{
			"5", "two rows may share a container, so a label of another session is only reported",
			facts(live, in(dockerwatch.Running), labelled("s2")), Verdict{Action: Report, Reason: ContainerTaken},
		},
		{
			"5", "with exclusive ownership the row that has no right to it fails, the container is not touched",
			facts(live, in(dockerwatch.Paused), labelled("s2"), func(f *SessionFacts) { f.Exclusive = true }),
			Verdict{Action: FailAndRelease, Reason: ContainerTaken},
		},
		{
			"6", "a running container is what a live row wants",
			facts(live, in(dockerwatch.Running)), Verdict{Action: Nothing},
		},
		{
			"6", "a label with the row's own session is no conflict",
			facts(live, in(dockerwatch.Running), labelled(session)), Verdict{Action: Nothing},
		},
		{
			"6", "a paused container is alive",
			facts(live, in(dockerwatch.Paused)), Verdict{Action: Nothing},
		},
		{
			"6", "an out-of-memory kill inside a container that still runs is no end",
			facts(live, dockerwatch.Observation{Phase: dockerwatch.Running, OOMKilled: true}), Verdict{Action: Nothing},
		},
		{
			"6", "one restart is no crash loop: look again when it could be one",
			facts(live, looping, seenFor(30*time.Second)), Verdict{Action: Nothing, Wait: 90 * time.Second},
		},
		{
			"6", "and as soon as it counts as stable: the next restart may be an hour away",
			facts(live, dockerwatch.Observation{Phase: dockerwatch.Running, RestartCount: 1, StartedAt: ago(20 * time.Second)},
				seenFor(30*time.Second)),
			Verdict{Action: Nothing, Wait: 40 * time.Second},
		},
		{
			"6", "restarting for minutes is reported",
			facts(live, looping, seenFor(3*time.Minute)),
			Verdict{Action: Report, Reason: ContainerLooping, Wait: crashLoopAfter}, // to see whether it is over
		},
		{
			"8", "a created container is given time to start, from when the claim was first seen",
			facts(live, dockerwatch.Observation{Phase: dockerwatch.Created, Created: ago(time.Hour)}, seenFor(10*time.Second)),
			Verdict{Action: Fail, Reason: NeverStarted, Wait: 20 * time.Second},
		},
		{
			"8", "and fails when it never does",
			facts(live, dockerwatch.Observation{Phase: dockerwatch.Created, Created: ago(time.Hour)}, seenFor(30*time.Second)),
			Verdict{Action: Fail, Reason: NeverStarted},
		},
		{
			"9", "an engine that is shutting down shows containers with a restart policy as exited",
			facts(live, dockerwatch.Observation{
				Phase: dockerwatch.Exited, FinishedAt: ago(20 * time.Second), RestartPolicy: "always",
			}), Verdict{Action: Fail, Reason: ContainerExited, Wait: 40 * time.Second},
		},
		{
			"9", "a crash does not shorten that: the policy may be about to restart it",
			facts(live, dockerwatch.Observation{
				Phase: dockerwatch.Exited, FinishedAt: ago(20 * time.Second), RestartPolicy: "on-failure",
			}, crashed(20*time.Second)), Verdict{Action: Fail, Reason: ContainerExited, Wait: 40 * time.Second},
		},
		{
			"9", "a minute later nobody is going to start it again",
			facts(live, dockerwatch.Observation{
				Phase: dockerwatch.Exited, FinishedAt: ago(time.Minute), RestartPolicy: "unless-stopped",
			}), Verdict{Action: Fail, Reason: ContainerExited},
		},
		{
			"10", "somebody may be restarting a container that just stopped",
			facts(live, exited(2*time.Second)), Verdict{Action: Fail, Reason: ContainerExited, Wait: 3 * time.Second},
		},
		{
			"10", "after the grace the session fails",
			facts(live, exited(5*time.Second)), Verdict{Action: Fail, Reason: ContainerExited},
		},
		{
			"10", "a crash is failed at once",
			facts(live, exited(0), crashed(0)), Verdict{Action: Fail, Reason: ContainerExited},
		},
		{
			"10", "a death with a kill before it is no crash, it waits",
			facts(live, exited(time.Second), heard(dockerwatch.Evidence{DiedAt: ago(time.Second)})),
			Verdict{Action: Fail, Reason: ContainerExited, Wait: 4 * time.Second},
		},
		{
			"10", "running out of memory has a reason of its own",
			facts(live, dockerwatch.Observation{
				Phase: dockerwatch.Exited, FinishedAt: ago(0), ExitCode: 137, OOMKilled: true,
			}, crashed(0)), Verdict{Action: Fail, Reason: ContainerOOMKilled},
		},
		{
			"10", "a dead container is as good as exited",
			facts(live, dockerwatch.Observation{Phase: dockerwatch.Dead, FinishedAt: ago(time.Minute)}),
			Verdict{Action: Fail, Reason: ContainerExited},
		},
		{
			"10", "a crashed container that is removing itself fails its session at once",
			facts(live, dockerwatch.Observation{Phase: dockerwatch.Removing, FinishedAt: ago(0)}, crashed(0)),
			Verdict{Action: Fail, Reason: ContainerExited},
		},
		{
			"10", "a crashed container that is gone fails and releases in one statement",
			facts(live, in(dockerwatch.Gone), heard(dockerwatch.Evidence{DiedAt: ago(0), DestroyedAt: ago(0), Crash: true})),
			Verdict{Action: FailAndRelease, Reason: ContainerExited},
		},
		{
			"10", "one that ran out of memory and removed itself says so",
			facts(live, in(dockerwatch.Gone), heard(dockerwatch.Evidence{DiedAt: ago(0), OOMKilled: true, Crash: true})),
			Verdict{Action: FailAndRelease, Reason: ContainerOOMKilled},
		},
		{
			"10", "one that somebody stopped and removed waits for what they say about it",
			facts(live, in(dockerwatch.Gone), heard(dockerwatch.Evidence{DiedAt: ago(time.Second), DestroyedAt: ago(0)})),
			Verdict{Action: FailAndRelease, Reason: ContainerExited, Wait: 4 * time.Second},
		},
		{
			"10", "a crash before the stream was interrupted may not be its last end",
			facts(live, in(dockerwatch.Gone), seenFor(time.Second), func(f *SessionFacts) {
				f.SeenBefore, f.Evidence = true, dockerwatch.Evidence{DiedAt: ago(time.Hour), Crash: true, Stale: true}
			}),
			Verdict{Action: FailAndRelease, Reason: ContainerExited, Wait: 4 * time.Second},
		},
		{
			"10", "and neither may a stop: the time since it is gone counts",
			facts(live, in(dockerwatch.Gone), seenFor(5*time.Second), func(f *SessionFacts) {
				f.SeenBefore, f.Evidence = true, dockerwatch.Evidence{DiedAt: ago(time.Hour), Stale: true}
			}),
			Verdict{Action: FailAndRelease, Reason: ContainerExited},
		},
		{
			"11", "one that only has another name now keeps its claim, by its id",
			facts(live, in(dockerwatch.Gone), seenFor(10*time.Second), func(f *SessionFacts) {
				f.SeenBefore, f.Renamed.ID = true, otherID
			}),
			Verdict{Action: Fail, Reason: ContainerGone},
		},
		{
			"11", "what was heard of a container that this claim was never seen to mean is not about this claim",
			facts(live, in(dockerwatch.Gone), crashed(0), func(f *SessionFacts) { f.SeenBefore = false }),
			Verdict{Action: FailAndRelease, Reason: ContainerGone, Wait: 30 * time.Second},
		},
		{
			"11", "one look that finds it gone is not enough",
			facts(live, in(dockerwatch.Gone), seenFor(4*time.Second)),
			Verdict{Action: FailAndRelease, Reason: ContainerGone, Wait: 6 * time.Second},
		},
		{
			"11", "gone for the whole grace",
			facts(live, in(dockerwatch.Gone), seenFor(10*time.Second)),
			Verdict{Action: FailAndRelease, Reason: ContainerGone},
		},
		{
			"10", "it died and may have been started again, and was lost with all others",
			facts(live, in(dockerwatch.Gone), crashed(0), held(time.Minute)),
			Verdict{Action: FailAndRelease, Reason: ContainerExited, Wait: time.Minute},
		},
		{
			"10", "its removal was heard, which is no disaster",
			facts(live, in(dockerwatch.Gone), held(time.Minute), notCounted,
				heard(dockerwatch.Evidence{DiedAt: ago(0), DestroyedAt: ago(0), Crash: true})),
			Verdict{Action: FailAndRelease, Reason: ContainerExited},
		},
		{
			"11", "the breaker holds for longer than the grace",
			facts(live, in(dockerwatch.Gone), seenFor(10*time.Second), held(time.Minute)),
			Verdict{Action: FailAndRelease, Reason: ContainerGone, Wait: time.Minute},
		},
		{
			"11", "a sweep must count first how many are gone",
			facts(live, in(dockerwatch.Gone), seenFor(10*time.Second), notCounted),
			Verdict{Action: Retry, Reason: AwaitingSweep},
		},
		{
			"11", "and until its grace is over there is time for that",
			facts(live, in(dockerwatch.Gone), seenFor(4*time.Second), notCounted),
			Verdict{Action: FailAndRelease, Reason: ContainerGone, Wait: 6 * time.Second},
		},
		{
			"10", "one that may have been started again is counted, too",
			facts(live, in(dockerwatch.Gone), crashed(0), notCounted), Verdict{Action: Retry, Reason: AwaitingSweep},
		},
		{
			"11", "a server may save the name first and run after",
			facts(live, in(dockerwatch.Gone), seenFor(10*time.Second), func(f *SessionFacts) { f.SeenBefore = false }),
			Verdict{Action: FailAndRelease, Reason: ContainerGone, Wait: 20 * time.Second},
		},
		{
			"12", "a container labelled with another session is not this row's to stop",
			facts(ended, in(dockerwatch.Running), labelled("s2")), Verdict{Action: Release, Reason: ContainerShared},
		},
		{
			"12", "a container that a live row claims too is not this row's to stop",
			facts(ended, in(dockerwatch.Running), alsoClaimedBy(live)), Verdict{Action: Release, Reason: ContainerShared},
		},
		{
			"12", "nor one that a row of unknown status claims",
			facts(ended, exited(time.Hour), alsoClaimedBy(unknown)), Verdict{Action: Release, Reason: ContainerShared},
		},
		{
			"13", "another ended row is no reason to keep it",
			facts(ended, in(dockerwatch.Running), alsoClaimedBy(ended)), Verdict{Action: Stop, Reason: SessionEnded},
		},
		{
			"13", "a running container of an ended session is stopped",
			facts(ended, in(dockerwatch.Running)), Verdict{Action: Stop, Reason: SessionEnded},
		},
		{
			"13", "so is a paused one",
			facts(ended, in(dockerwatch.Paused)), Verdict{Action: Stop, Reason: SessionEnded},
		},
		{
			"13", "and one between two restarts",
			facts(ended, in(dockerwatch.Restarting)), Verdict{Action: Stop, Reason: SessionEnded},
		},
		{
			"13", "a stopped one is removed",
			facts(ended, exited(0)), Verdict{Action: Remove, Reason: SessionEnded},
		},
		{
			"13", "one that never started is removed",
			facts(ended, in(dockerwatch.Created)), Verdict{Action: Remove, Reason: SessionEnded},
		},
		{
			"13", "only a dead one may be forced",
			facts(ended, in(dockerwatch.Dead)), Verdict{Action: RemoveDead, Reason: SessionEnded},
		},
		{
			"13", "one that is being removed is looked at again",
			facts(ended, in(dockerwatch.Removing)), Verdict{Action: Retry, Reason: SessionEnded},
		},
		{
			"13", "a claim by name is pinned before anything is done: a name can be used again",
			facts(ended, in(dockerwatch.Running), claim("claude-work-1")), Verdict{Action: Pin, Reason: SessionEnded},
		},
		{
			"13", "a claim by short id is pinned, too",
			facts(ended, exited(0), claim(thisID[:12])), Verdict{Action: Pin, Reason: SessionEnded},
		},
		{
			"13", "one that was made anew under the claimed name may be of a revival that is about to be saved",
			facts(ended, in(dockerwatch.Running), claim("web"), nameReused(30*time.Second), seenFor(10*time.Second)),
			Verdict{Action: Pin, Reason: SessionEnded, Wait: 90 * time.Second},
		},
		{
			"13", "one that seems old was perhaps made just now, by a clock that is wrong",
			facts(ended, in(dockerwatch.Running), claim("web"), nameReused(time.Hour), seenFor(time.Second)),
			Verdict{Action: Pin, Reason: SessionEnded, Wait: 9 * time.Second},
		},
		{
			"13", "one that was made anew under the claimed name and that nobody saved is the ended session's",
			facts(ended, in(dockerwatch.Running), claim("web"), nameReused(time.Hour), seenFor(time.Minute)),
			Verdict{Action: Pin, Reason: SessionEnded},
		},
		{
			"14", "a container that is gone needs only its claim cleared",
			facts(ended, in(dockerwatch.Gone)), Verdict{Action: Release, Reason: SessionEnded},
		},
		{
			"13", "the container of somebody else is left and the claim kept",
			facts(ended, in(dockerwatch.Running), foreign), Verdict{Action: Report, Reason: ContainerForeign},
		},
		{
			"13", "also when it has stopped",
			facts(ended, exited(time.Hour), foreign), Verdict{Action: Report, Reason: ContainerForeign},
		},
		{
			"10", "a live row with a dead foreign container is still failed",
			facts(live, exited(time.Hour), foreign), Verdict{Action: Fail, Reason: ContainerExited},
		},
		{
			"10", "an engine whose clock runs behind delays by one grace at most",
			facts(live, exited(-time.Hour), seenFor(5*time.Second)), Verdict{Action: Fail, Reason: ContainerExited},
		},
		{
			"10", "a finish in the future waits from when it was first seen",
			facts(live, exited(-time.Hour), seenFor(time.Second)),
			Verdict{Action: Fail, Reason: ContainerExited, Wait: 4 * time.Second},
		},
	}
	for _, tt := range tests {
		t.Run(tt.rule+" "+tt.reason, func(t *testing.T) {
			t.Parallel()
			tt.want.Rule = tt.rule
			if diff := cmp.Diff(tt.want, DecideSession(DefaultPolicy(), tt.facts)); diff != "" {
				t.Errorf("rule %s, %s (-want +got):\n%s", tt.rule, tt.reason, diff)
			}
		})
	}
}

func TestDecideSessionFollowsThePolicy(t *testing.T) {
	t.Parallel()
	fail, later := DefaultPolicy(), DefaultPolicy()
	fail.CrashLoop = CrashLoopFail
	later.RemovalDelay.Duration = time.Minute
	tests := []struct {
		rule   string
		reason string
		policy Policy
		facts  SessionFacts
		want   Verdict // without its rule
	}{
		{
			"6", "crashLoop: fail fails the session of a container that keeps being restarted", fail,
			facts(live, dockerwatch.Observation{Phase: dockerwatch.Restarting}, seenFor(2*time.Minute)),
			Verdict{Action: Fail, Reason: ContainerLooping},
		},
		{
			"6", "a container that has just been restarted is still in its loop", fail,
			facts(live, dockerwatch.Observation{Phase: dockerwatch.Running, RestartCount: 7, StartedAt: ago(time.Second)},
				seenFor(2*time.Minute)),
			Verdict{Action: Fail, Reason: ContainerLooping},
		},
		{
			"6", "one that has run for a minute has left it", fail,
			facts(live, dockerwatch.Observation{Phase: dockerwatch.Running, RestartCount: 7, StartedAt: ago(time.Minute)},
				seenFor(2*time.Minute)),
			Verdict{Action: Nothing},
		},
		{
			"13", "removalDelay keeps a dead container for inspection, from when it finished", later,
			facts(ended, exited(20*time.Second)), Verdict{Action: Remove, Reason: SessionEnded, Wait: 40 * time.Second},
		},
		{
			"13", "removalDelay does not keep a container running", later,
			facts(ended, in(dockerwatch.Running)), Verdict{Action: Stop, Reason: SessionEnded},
		},
		{
			"11", "graces of zero mean at once", Policy{},
			facts(live, in(dockerwatch.Gone)), Verdict{Action: FailAndRelease, Reason: ContainerGone},
		},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			tt.want.Rule = tt.rule
			if diff := cmp.Diff(tt.want, DecideSession(tt.policy, tt.facts)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
			}
		})
	}
}

// TestDecideSessionIsSafeForAnyFacts holds what may never happen against every combination of facts.
func TestDecideSessionIsSafeForAnyFacts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFacts(t)
		v := DecideSession(DefaultPolicy(), f)
		if v.Rule == "" {
			t.Errorf("no rule decided %+v", v)
		}
		if v.Wait < 0 {
			t.Errorf("a wait of %s", v.Wait)
		}
		if f.LookFailed && f.Row.Claims() && v.Action.HasEffect() {
			t.Errorf("decided %s on an error", v.Action)
		}
		if f.Row.Kind == unknown && v.Action.HasEffect() {
			t.Errorf("decided %s for an unknown status", v.Action)
		}
		if f.Row.Kind == live && f.Container.Phase.Alive() && !f.Exclusive && v.Action.HasEffect() {
			t.Errorf("decided %s for a live row whose container is %s", v.Action, f.Container.Phase)
		}
		touches := v.Action == Stop || v.Action == Remove || v.Action == RemoveDead
		if touches && (f.Row.Kind != ended || !f.Owner.Owned || f.Row.Claim != f.Container.ID) {
			t.Errorf("decided %s for a %s row that claims %q, container %s of %+v",
				v.Action, f.Row.Kind, f.Row.Claim, f.Container.ID, f.Owner)
		}
		if touches && (SharedWithHeld(f.Others) || f.Owner.OtherSession(f.Row.ID)) {
			t.Errorf("decided %s for a container that another session has", v.Action)
		}
		if (v.Action == Remove || v.Action == RemoveDead) && f.Container.Phase.Alive() {
			t.Errorf("decided %s for a container that is %s", v.Action, f.Container.Phase)
		}
		if v.Action == FailAndRelease && f.Container.Phase != dockerwatch.Gone && !f.Exclusive {
			t.Errorf("would clear the claim of a container that is %s", f.Container.Phase)
		}
	})
}

// TestDecideSessionFailsNothingThatIsGoneUncounted holds that a session whose container is gone without a word is only
// failed when a sweep has counted how many are.
func TestDecideSessionFailsNothingThatIsGoneUncounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFacts(t)
		f.Row.Kind, f.Container.Phase, f.Evidence.DestroyedAt, f.Counted = live, dockerwatch.Gone, time.Time{}, false
		if v := DecideSession(DefaultPolicy(), f); v.Due() && v.Action != Adopt {
			t.Errorf("decided %s", v.Action)
		}
	})
}

func anyFacts(t *rapid.T) SessionFacts {
	phases := []dockerwatch.Phase{
		dockerwatch.Running, dockerwatch.Paused, dockerwatch.Restarting, dockerwatch.Created, dockerwatch.Exited,
		dockerwatch.Dead, dockerwatch.Removing, dockerwatch.Gone, "",
	}
	kinds := []sessiondb.StatusKind{live, ended, unknown}
	duration := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(-100, 200).Draw(t, "seconds")) * time.Second
	})
	f := facts(rapid.SampledFrom(kinds).Draw(t, "kind"), dockerwatch.Observation{
		Phase:         rapid.SampledFrom(phases).Draw(t, "phase"),
		FinishedAt:    ago(duration.Draw(t, "finished")),
		StartedAt:     ago(duration.Draw(t, "started")),
		RestartPolicy: rapid.SampledFrom([]string{"no", "always"}).Draw(t, "policy"),
		RestartCount:  rapid.IntRange(0, 3).Draw(t, "restarts"),
	}, seenFor(max(0, duration.Draw(t, "seen"))))
	f.Row.Claim = rapid.SampledFrom([]string{thisID, thisID[:12], "claude-work-1", "", " "}).Draw(t, "claim")
	f.LookFailed = rapid.Bool().Draw(t, "failed")
	f.ClaimInvalid = rapid.Bool().Draw(t, "invalid")
	f.SeenBefore = rapid.Bool().Draw(t, "seenBefore")
	f.Exclusive = rapid.Bool().Draw(t, "exclusive")
	f.Evidence.Crash = rapid.Bool().Draw(t, "crash")
	f.Owner = rapid.SampledFrom([]dockerwatch.Owner{
		{}, {Owned: true, By: dockerwatch.ByName}, {Owned: true, By: dockerwatch.ByLabel, Session: session},
		{Owned: true, By: dockerwatch.ByLabel, Session: "s2"}, {Owned: true, By: dockerwatch.ByClaim},
	}).Draw(t, "owner")
	if rapid.Bool().Draw(t, "shared") {
		f.Others = []sessiondb.Row{{ID: "s2", Kind: rapid.SampledFrom(kinds).Draw(t, "otherKind")}}
	}
	return f
}

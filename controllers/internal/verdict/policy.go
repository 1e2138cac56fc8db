package verdict

import (
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// CrashLoopPolicy says what is done about a session whose container is restarted over and over.
type CrashLoopPolicy string

const (
	// CrashLoopReport reports it and leaves it alone.
	CrashLoopReport CrashLoopPolicy = "report"
	// CrashLoopFail fails the session and removes the container.
	CrashLoopFail CrashLoopPolicy = "fail"
)

// LeakPolicy says which containers that no row claims are removed.
type LeakPolicy string

const (
	// RemoveLabelled removes those that carry the session label and this controller's own installation label.
	RemoveLabelled LeakPolicy = "labelled"
	// RemoveAll removes those that are owned in any way.
	RemoveAll LeakPolicy = "all"
	// RemoveNone reports them all and removes none.
	RemoveNone LeakPolicy = "none"
)

// maxGrace bounds every duration of the policy. A grace is there to bridge seconds; a day is a slip of the pen.
const maxGrace = 24 * time.Hour

// maxKeptLines bounds policy.keepLogs: a log line is no log file.
const maxKeptLines = 1000

// Policy is the `policy` section of the configuration: how long a disagreement may last before something is done.
// Every duration may be 0, which means at once.
type Policy struct {
	// ExitGrace is what a container that stopped is given, from the time it finished: it may be about to be started again.
	// A crash is given none.
	ExitGrace metav1.Duration `json:"exitGrace"`
	// GoneGrace is what a container that is gone is given, from the first look that found it gone.
	GoneGrace metav1.Duration `json:"goneGrace"`
	// StartGrace is what a container that was created, or a claim that was never seen to exist, is given to start.
	StartGrace metav1.Duration `json:"startGrace"`
	// RestartGrace is what a stopped container with a restart policy is given, so that an engine may restart.
	RestartGrace metav1.Duration `json:"restartGrace"`
	// LeakGrace is the age until which a container that no row claims is left alone: its claim may be about to be saved.
	LeakGrace metav1.Duration `json:"leakGrace"`
	// AdoptAfter is how long a live session without a claim, or with a dead one, and its one running container must have
	// been seen together before the claim is pointed at it.
	AdoptAfter metav1.Duration `json:"adoptAfter"`
	// StopTimeout is how long the engine waits after the stop signal before it kills; whole seconds.
	StopTimeout metav1.Duration `json:"stopTimeout"`
	// RemovalDelay keeps a stopped container for inspection while its row already says ERROR, from the time it finished.
	RemovalDelay metav1.Duration `json:"removalDelay"`
	// KeepLogs is how many of the last lines of a container's output are logged before it is removed; up to 1,000. 0 logs
	// none: output can hold secrets.
	KeepLogs int `json:"keepLogs"`
	// RemoveLeaked is labelled, all or none.
	RemoveLeaked LeakPolicy `json:"removeLeaked"`
	// RemoveVolumes removes a container's anonymous volumes with it.
	RemoveVolumes bool `json:"removeVolumes"`
	// CrashLoop is report or fail.
	CrashLoop CrashLoopPolicy `json:"crashLoop"`
	// Breaker holds what would hit too many at once.
	Breaker BreakerPolicy `json:"breaker"`
}

// DefaultPolicy returns the defaults of the configuration file.
func DefaultPolicy() Policy {
	//nolint:mnd // the figures are named by their keys
	return Policy{
		ExitGrace:    metav1.Duration{Duration: 5 * time.Second},
		GoneGrace:    metav1.Duration{Duration: 10 * time.Second},
		StartGrace:   metav1.Duration{Duration: 30 * time.Second},
		RestartGrace: metav1.Duration{Duration: time.Minute},
		LeakGrace:    metav1.Duration{Duration: 2 * time.Minute},
		AdoptAfter:   metav1.Duration{Duration: time.Minute},
		StopTimeout:  metav1.Duration{Duration: 10 * time.Second},
		RemoveLeaked: RemoveLabelled,
		CrashLoop:    CrashLoopReport,
		Breaker:      BreakerPolicy{MaxFraction: 0.5, MinSessions: 10, Hold: metav1.Duration{Duration: time.Minute}},
	}
}

// Validate returns every problem, each one sentence that names the key.
func (p Policy) Validate() error {
	durations := []struct {
		key   string
		value metav1.Duration
	}{
		{"exitGrace", p.ExitGrace},
		{"goneGrace", p.GoneGrace},
		{"startGrace", p.StartGrace},
		{"restartGrace", p.RestartGrace},
		{"leakGrace", p.LeakGrace},
		{"adoptAfter", p.AdoptAfter},
		{"stopTimeout", p.StopTimeout},
		{"removalDelay", p.RemovalDelay},
		{"breaker.hold", p.Breaker.Hold},
	}
	var problems []error
	for _, d := range durations {
		if d.value.Duration < 0 || d.value.Duration > maxGrace {
			problems = append(problems,
				fmt.Errorf("policy.%s is %s: give a duration between 0s and 24h", d.key, d.value.Duration))
		}
	}
	if p.KeepLogs < 0 || p.KeepLogs > maxKeptLines {
		problems = append(problems, fmt.Errorf("policy.keepLogs is %d: give a number of lines from 0 to %d", p.KeepLogs,
			maxKeptLines))
	}
	if p.CrashLoop != CrashLoopReport && p.CrashLoop != CrashLoopFail {
		problems = append(problems, fmt.Errorf("policy.crashLoop is %q: give report or fail", p.CrashLoop))
	}
	switch p.RemoveLeaked {
	case RemoveLabelled, RemoveAll, RemoveNone:
	default:
		problems = append(problems,
			fmt.Errorf("policy.removeLeaked is %q: give labelled, all or none", p.RemoveLeaked))
	}
	return errors.Join(append(problems, p.Breaker.validate())...)
}

// Labelled reports whether a container is this installation's beyond doubt, or is to be taken for it.
func (p Policy) Labelled(o dockerwatch.Owner) bool {
	return o.Labelled || (p.RemoveLeaked == RemoveAll && o.Owned)
}

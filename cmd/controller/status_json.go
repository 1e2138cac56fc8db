package main

import (
	"time"

	"github.com/session-controller/session-controller/controllers"
)

// sides are the two that the controller serves.
type sides struct {
	// Host is the engine's address and Database the database's, without a password.
	Host, Database string
}

// statusJSON is the schema of /status and of `status -o json`. Fields are added, never renamed or removed.
type statusJSON struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	// Leader is false in a replica that waits for the lease.
	Leader bool `json:"leader"`
	DryRun bool `json:"dryRun"`
	Ready  bool `json:"ready"`
	// Checks are the conditions of readiness.
	Checks []statusCheck `json:"checks"`
	// Paused is null where there is no pause.
	Paused   *statusPause   `json:"paused"`
	Engine   statusEngine   `json:"engine"`
	Database statusDatabase `json:"database"`
	// Sweep is null before the first complete one.
	Sweep *statusSweep `json:"sweep"`
	// Drift is what is adrift and not yet in agreement, by reason.
	Drift map[string]int `json:"drift"`
	// CrashLooping are live sessions whose container keeps being restarted: the first hundred of them.
	CrashLooping []string    `json:"crashLooping"`
	Queue        statusQueue `json:"queue"`
	// Breaker says what it holds.
	Breaker statusBreaker `json:"breaker"`
}

type statusCheck struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Why is empty where it is OK.
	Why string `json:"why,omitempty"`
}

type statusPause struct {
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	// Made tells this pause from others.
	Made int64 `json:"made"`
}

type statusEngine struct {
	Host string `json:"host"`
	// Identity is of the engine that is served; empty while none is.
	Identity string `json:"identity"`
	// LastEvent is null where none was heard.
	LastEvent *time.Time `json:"lastEvent"`
}

type statusDatabase struct {
	Name string `json:"name"`
	// Changes is where changes of rows are heard from: notify or poll; empty before that is known.
	Changes string `json:"changes"`
	Hint    string `json:"hint,omitempty"`
}

type statusSweep struct {
	Ended       time.Time      `json:"ended"`
	TookSeconds float64        `json:"tookSeconds"`
	Rows        int            `json:"rows"`
	Statuses    map[string]int `json:"statuses"`
	Healthy     int            `json:"healthy"`
	Adrift      int            `json:"adrift"`
	Unknown     int            `json:"unknown"`
	Invalid     int            `json:"invalid"`
	Taken       int            `json:"taken"`
	Foreign     int            `json:"foreign"`
	Containers  int            `json:"containers"`
	Owned       int            `json:"owned"`
	Unclaimed   int            `json:"unclaimed"`
}

type statusQueue struct {
	Sessions   int `json:"sessions"`
	Containers int `json:"containers"`
	Stopping   int `json:"stopping"`
	// Acting is how many effects other than stops are being carried out.
	Acting int `json:"acting"`
}

type statusBreaker struct {
	Sessions   bool `json:"sessions"`
	Containers bool `json:"containers"`
}

// loopsTold bounds the crash loops that are named; the metric counts all.
const loopsTold = 100

// statusOf is what is told of a status at now.
func statusOf(s controllers.Status, which sides, now time.Time) statusJSON {
	out := statusJSON{
		Version: version, Started: s.Started.UTC(), Leader: s.Leads, DryRun: s.DryRun, Ready: true,
		Engine:   statusEngine{Host: which.Host, Identity: s.Engine},
		Database: statusDatabase{Name: which.Database},
		Drift:    map[string]int{}, CrashLooping: make([]string, 0, loopsTold),
		Queue:   statusQueue{Sessions: s.Sessions, Containers: s.Containers, Stopping: s.Stopping, Acting: s.Acting},
		Breaker: statusBreaker{Sessions: s.BreakerSessions, Containers: s.BreakerContainers},
	}
	for _, check := range s.Checks {
		told := statusCheck{Name: check.Name, OK: check.Err == nil}
		if check.Err != nil {
			told.Why, out.Ready = masked(check.Err.Error()), false
		}
		out.Checks = append(out.Checks, told)
	}
	if now.Before(s.Pause.Until) {
		out.Paused = &statusPause{
			Since: s.Pause.Since.UTC(), Until: s.Pause.Until.UTC(), By: s.Pause.By, Reason: s.Pause.Reason,
			Made: s.Pause.Made,
		}
	}
	if !s.LastEvent.IsZero() {
		out.Engine.LastEvent = new(s.LastEvent.UTC())
	}
	if s.Feed != nil {
		out.Database.Changes, out.Database.Hint = string(s.Feed.Source), s.Feed.Hint
	}
	if !s.Swept.IsZero() {
		out.Sweep = sweepOf(s.Sweep, s.Swept)
	}
	for reason, n := range s.Open {
		out.Drift[string(reason)] = n
	}
	for _, key := range s.Looping[:min(len(s.Looping), loopsTold)] {
		out.CrashLooping = append(out.CrashLooping, string(key))
	}
	return out
}

func sweepOf(s controllers.Sweep, ended time.Time) *statusSweep {
	return &statusSweep{
		Ended: ended.UTC(), TookSeconds: s.Took.Seconds(), Rows: s.Rows, Statuses: s.Statuses, Healthy: s.Healthy,
		Adrift: s.Adrift, Unknown: s.Held, Invalid: s.Invalid, Taken: s.Taken, Foreign: s.Foreign,
		Containers: s.Containers, Owned: s.Owned, Unclaimed: s.Unclaimed,
	}
}

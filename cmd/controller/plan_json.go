package main

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/session-controller/session-controller/controllers"
)

// planJSON is the schema of `plan -o json`. Fields are added, never renamed or removed.
type planJSON struct {
	Drift bool `json:"drift"`
	// PausedUntil is null where the controller is not paused.
	PausedUntil *time.Time    `json:"pausedUntil"`
	Sessions    []planSession `json:"sessions"`
	// Containers are claimed by no row.
	Containers      []planContainer `json:"containers"`
	UnknownStatuses []planStatus    `json:"unknownStatuses"`
	ForeignClaims   []planForeign   `json:"foreignClaims"`
	Counts          map[string]int  `json:"counts"`
}

type planSession struct {
	Session string `json:"session"`
	Status  string `json:"status"`
	Claim   string `json:"claim"`
	// Container is the full id, or empty when there is none.
	Container string `json:"container"`
	Phase     string `json:"phase"`
	Reason    string `json:"reason"`
	// Rule is the row of the table in docs/how-it-works.md that decided.
	Rule   string `json:"rule"`
	Action string `json:"action"`
	// Owner is the other session that the container is labelled with; empty: it is labelled with none.
	Owner string `json:"owner,omitempty"`
	// Drift is false for what is only reported or held.
	Drift bool `json:"drift"`
	// InSeconds is when the action is due, rounded up; 0 is now.
	InSeconds int `json:"inSeconds"`
	// ExitCode and OOMKilled are null unless the container has stopped.
	ExitCode  *int  `json:"exitCode"`
	OOMKilled *bool `json:"oomKilled"`
	// Error is why the look failed; then everything but the session may be empty.
	Error string `json:"error,omitempty"`
}

type planContainer struct {
	// Container is the full id and Name its name without a slash.
	Container string `json:"container"`
	Name      string `json:"name"`
	Phase     string `json:"phase"`
	// Session is whom the container belongs to; Status and Claim are of that session's row and null where there is none.
	Session string  `json:"session"`
	Status  *string `json:"status"`
	Claim   *string `json:"claim"`
	Reason  string  `json:"reason"`
	// Rule is the row of the table in docs/how-it-works.md that decided.
	Rule   string `json:"rule"`
	Action string `json:"action"`
	// Drift is false for what is only reported or held.
	Drift bool `json:"drift"`
	// InSeconds is when the action is due, rounded up; 0 is now.
	InSeconds int `json:"inSeconds"`
	// Error is why a look failed; then everything but the container may be empty.
	Error string `json:"error,omitempty"`
}

type planStatus struct {
	// Status is null where the column is NULL.
	Status *string `json:"status"`
	Rows   int     `json:"rows"`
}

type planForeign struct {
	Session   string `json:"session"`
	Claim     string `json:"claim"`
	Container string `json:"container"`
	Setting   string `json:"setting"`
}

func writePlanJSON(w io.Writer, p controllers.Plan) error {
	s := p.Sweep
	var paused *time.Time
	if p.Pause.Active() {
		paused = new(p.Pause.Until.UTC())
	}
	out := planJSON{
		PausedUntil:     paused,
		Drift:           p.Drift(),
		Sessions:        make([]planSession, 0, len(p.Sessions)),
		Containers:      make([]planContainer, 0, len(p.Containers)),
		UnknownStatuses: make([]planStatus, 0, len(p.Unknown)),
		ForeignClaims:   make([]planForeign, 0, len(p.Foreign)),
		Counts: map[string]int{
			"claiming": s.Rows, "containers": s.Containers, "healthy": s.Healthy, "adrift": s.Adrift, "held": s.Held,
			"invalid": s.Invalid, "taken": s.Taken, "foreign": s.Foreign, "unclaimed": s.Unclaimed,
		},
	}
	for _, o := range p.Sessions {
		out.Sessions = append(out.Sessions, sessionJSON(o))
	}
	for _, o := range p.Containers {
		out.Containers = append(out.Containers, containerJSON(o))
	}
	for _, u := range p.Unknown {
		status := planStatus{Rows: u.Rows}
		if !u.Null {
			status.Status = &u.Status
		}
		out.UnknownStatuses = append(out.UnknownStatuses, status)
	}
	for _, f := range p.Foreign {
		out.ForeignClaims = append(out.ForeignClaims, planForeign(f))
	}
	if err := writeJSON(w, out); err != nil {
		return fmt.Errorf("write the plan as JSON: %w", err)
	}
	return nil
}

func sessionJSON(o controllers.SessionOutcome) planSession {
	f := o.Facts
	s := planSession{
		Session: f.Row.ID, Status: f.Row.Status, Claim: f.Row.Claim, Container: f.Container.ID,
		Phase: string(f.Container.Phase), Reason: string(o.Verdict.Reason), Rule: o.Verdict.Rule, Action: o.Intent(),
		Drift: o.Verdict.Drift(), InSeconds: inSeconds(o.Verdict.Wait),
	}
	if !f.Container.FinishedAt.IsZero() && !f.Container.Phase.Alive() {
		s.ExitCode, s.OOMKilled = &f.Container.ExitCode, &f.Container.OOMKilled
	}
	if f.Owner.OtherSession(f.Row.ID) {
		s.Owner = f.Owner.Session
	}
	if o.Err != nil {
		s.Error = o.Err.Error()
	}
	return s
}

func containerJSON(o controllers.ContainerOutcome) planContainer {
	f := o.Facts
	c := planContainer{
		Container: f.Container.ID, Name: f.Container.Name, Phase: string(f.Container.Phase), Session: f.Owner.Session,
		Reason: string(o.Verdict.Reason), Rule: o.Verdict.Rule, Action: o.Intent(),
		Drift:     o.Verdict.Drift() || o.Verdict.HeldBack(),
		InSeconds: inSeconds(o.Verdict.Wait),
	}
	if f.SessionFound {
		c.Status, c.Claim = &f.Session.Status, &f.Session.Claim
	}
	if o.Err != nil {
		c.Error = o.Err.Error()
	}
	return c
}

func inSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

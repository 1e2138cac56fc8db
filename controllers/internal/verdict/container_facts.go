package verdict

import (
	"cmp"
	"fmt"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// ContainerFacts are the fresh looks at a container that no row seems to claim, and since when their cause has been in
// sight.
type ContainerFacts struct {
	// Container is what the inspect of its full id proved, before any row was read.
	Container dockerwatch.Observation
	// Owner is who it belongs to.
	Owner dockerwatch.Owner
	// LookFailed says that a look ended in an error: nothing is known, whatever the other fields hold.
	LookFailed bool
	// Claimants are the rows, of all nodes, that claim it.
	Claimants []sessiondb.Row
	// Session is the owner's row, of whatever node; meaningful only with SessionFound.
	Session      sessiondb.Row
	SessionFound bool
	// SessionInvalid says that the owner can be no id of the sessions table.
	SessionInvalid bool
	// OtherNode says that the owner's row is of another node, or of none that is known.
	OtherNode bool
	// ClaimInvalid says that the claim of the owner's row can name no container.
	ClaimInvalid bool
	// Claimed is what the owner's row claims in its place. Zero where it claims nothing, or is not live on this node.
	Claimed dockerwatch.Observation
	// ClaimedTaken says that Claimed is labelled with another session.
	ClaimedTaken bool
	// Alone says that no other container of its session runs.
	Alone bool
	// Predates says that the container may be of an earlier session that had the same id.
	Predates bool
	// TableEmpty says that the sessions table has no row at all, Tripped that too many containers are without a row, and
	// Counted that a sweep has counted them since the last grace ended. They are only read where no more than goneGrace is
	// left of leakGrace.
	TableEmpty, Tripped, Counted bool
	// Now is the engine's clock.
	Now time.Time
	// CauseFor is how long ago this controller first saw it in this condition, and WatchedFor how long ago it did so when
	// no more than goneGrace was left of leakGrace.
	CauseFor, WatchedFor time.Duration
}

// LeakGraceLeft is how long is left of leakGrace.
func (f ContainerFacts) LeakGraceLeft(p Policy) time.Duration {
	return remaining(f.Now, f.Container.Created, f.CauseFor, p.LeakGrace.Duration)
}

// LeakClosing reports whether no more than goneGrace is left of leakGrace: from then on it is watched.
func (f ContainerFacts) LeakClosing(p Policy) bool { return f.LeakGraceLeft(p) <= p.GoneGrace.Duration }

// Intent says in a word or two what becomes of the container in the end; "none" for what is only reported.
func (f ContainerFacts) Intent(v Verdict) string { return intent(v, f.Container.Phase) }

// Cause names the condition that a wait is for: as long as it stays the same, the wait goes on.
func (f ContainerFacts) Cause() string {
	switch {
	case f.SessionInvalid, f.ClaimInvalid,
		f.SessionFound && (f.Session.Kind == sessiondb.StatusUnknown || f.Session.NodeNull):
		return "in doubt"
	case !f.SessionFound, f.Session.Kind == sessiondb.StatusEnded:
		return "over"
	}
	superseded := f.Claimed.Phase == dockerwatch.Running && !f.ClaimedTaken
	return fmt.Sprintf("live/%s/%s/%s/%t/%t/%t", f.Session.ID, f.Session.Claim, f.Container.Phase, f.Alone, f.OtherNode,
		superseded)
}

// Subject names the container and the session that it belongs to, for people: the container by its name or, where that
// is not known, by its id.
func (f ContainerFacts) Subject() (session, container string) {
	return f.Owner.Session, cmp.Or(f.Container.Name, f.Container.ID)
}

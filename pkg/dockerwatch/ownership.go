package dockerwatch

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The labels that have a fixed name.
const (
	// InstallationLabel names the installation of session-controller that a container belongs to.
	InstallationLabel = "io.session-controller.installation"
	// KeepLabel with the value "true" keeps a container from ever being removed.
	KeepLabel = "io.session-controller.keep"
)

// Ownership says which containers belong to sessions. Anything else on the engine is foreign: never stopped or
// removed.
type Ownership struct {
	// Label is the key of the session label; its value is the session id.
	Label string `json:"label"`
	// Installation must equal the container's InstallationLabel where both are set. Empty: this controller has none.
	Installation string `json:"installation"`
	// NamePrefixes own containers by name; what follows the prefix is the session id. Nil: none.
	NamePrefixes []string `json:"namePrefixes"`
	// Claimed makes every container that a row claims an owned one.
	Claimed bool `json:"claimed"`
	// Exclusive says that no two sessions share a container.
	Exclusive bool `json:"exclusive"`
}

// DefaultOwnership is what holds where nothing is configured.
func DefaultOwnership() Ownership {
	return Ownership{Label: "io.session-controller.session", NamePrefixes: []string{"claude-work-"}}
}

// Validate returns one sentence about the first setting that cannot work, or nil. An empty prefix is refused because
// it would own every container of the engine.
func (o Ownership) Validate() error {
	if strings.TrimSpace(o.Label) == "" || strings.ContainsAny(o.Label, " =\t\n") {
		return fmt.Errorf("ownership.label: %q is no label key; give the key whose value is the session id", o.Label)
	}
	if o.Label == InstallationLabel || o.Label == KeepLabel {
		return fmt.Errorf("ownership.label: %q has another meaning; give the key whose value is the session id", o.Label)
	}
	for _, prefix := range o.NamePrefixes {
		if prefix == "" {
			return errors.New("ownership.namePrefixes: an empty prefix would own every container of the engine; leave it out")
		}
		if !namePattern.MatchString(prefix) {
			return fmt.Errorf("ownership.namePrefixes: no container name can begin with %q", prefix)
		}
	}
	return nil
}

// OwnedBy is the rule that makes a container an owned one.
type OwnedBy string

// The rules, strongest first.
const (
	ByNothing OwnedBy = ""
	ByLabel   OwnedBy = "label"
	ByName    OwnedBy = "name"
	ByClaim   OwnedBy = "claim"
)

// Owner is the verdict of [Ownership] on one container. The zero value is a foreign container of unknown session.
type Owner struct {
	// Owned reports that the container may be stopped and removed; otherwise it is foreign.
	Owned bool
	// By is the rule that owns it.
	By OwnedBy
	// Labelled reports that it is owned by label and carries this controller's own, non-empty installation label: no
	// other installation on the engine can mean it.
	Labelled bool
	// Session is the session label's value (also of a container of another installation), or what follows the prefix
	// where By is ByName. Empty: unknown.
	Session string
	// Installation is the container's own InstallationLabel.
	Installation string
	// Keep reports that it carries KeepLabel with the value "true": it is never removed, whatever it belongs to.
	Keep bool
}

// OtherSession reports whether the container's session label, whether it is owned or not, names a session other than
// id. A name is no such proof: what follows a prefix need not be a session's id.
func (w Owner) OtherSession(id string) bool {
	return w.By != ByName && w.Session != "" && !SameSession(w.Session, id)
}

// uuid is the usual spelling of one.
var uuid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// SameSession reports whether two ids are of one session. A database spells its uuids in lower case, and a label may
// have them in upper case.
func SameSession(a, b string) bool {
	return a == b || uuid.MatchString(a) && strings.EqualFold(a, b)
}

// Judge says whose a container is. name is without a slash and may be empty (a container that is being removed).
func (o Ownership) Judge(name string, labels map[string]string) Owner {
	owner := Owner{Session: labels[o.Label], Installation: labels[InstallationLabel], Keep: labels[KeepLabel] == "true"}
	if owner.Installation != "" && owner.Installation != o.Installation {
		return owner // another installation's, whatever its name says
	}
	if owner.Session != "" {
		owner.Owned, owner.By = true, ByLabel
		owner.Labelled = owner.Installation != ""
		return owner
	}
	if session, ok := o.sessionOfName(name); ok {
		owner.Owned, owner.By, owner.Session = true, ByName, session
	}
	return owner
}

// JudgeClaimed is [Ownership.Judge] for a container that a row claims: with Claimed set it is owned in any case,
// another installation's too.
func (o Ownership) JudgeClaimed(name string, labels map[string]string) Owner {
	owner := o.Judge(name, labels)
	if !owner.Owned && o.Claimed {
		owner.Owned, owner.By = true, ByClaim
	}
	return owner
}

// sessionOfName returns what follows the longest prefix that fits; a name that is a prefix and nothing else fits none.
func (o Ownership) sessionOfName(name string) (session string, ok bool) {
	for _, prefix := range o.NamePrefixes {
		rest, has := strings.CutPrefix(name, prefix)
		if has && prefix != "" && rest != "" && (!ok || len(rest) < len(session)) {
			session, ok = rest, true
		}
	}
	return session, ok
}

package dockerwatch

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	// idLength is the length of a full container id in hex digits (SHA-256 size).
	idLength = 64
	// shortIDLength is the shortest id prefix that is taken for an id: what `docker ps` prints. Twelve digits are 48
	// bits, so a claim of that length cannot hit another container by accident; of fewer it could.
	shortIDLength = 12
	// nameLimit bounds a claim. Docker has no limit of its own, but a container's name is also its host name in files and
	// DNS, where 255 is the end; it keeps a row's junk out of URLs and logs.
	nameLimit = 255
)

// namePattern is Docker's grammar of container names (moby, daemon/names), which all ids fit as well.
var namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// CheckReference reports whether a claim can name a container at all: a full id, a short id or a name, with or without
// the one leading slash that the engine's own answers put before names. Nothing is trimmed. The error is an
// [ErrInvalidReference]; a claim that fails here must never be sent to the engine, where an empty one means "list" and
// one with a slash another route.
func CheckReference(claim string) error {
	name := strings.TrimPrefix(claim, "/")
	switch {
	case name == "":
		return fmt.Errorf("claim %q is empty: %w", claim, ErrInvalidReference)
	case len(name) > nameLimit:
		return fmt.Errorf("claim %q… has %d characters, more than %d: %w",
			name[:shortIDLength], len(name), nameLimit, ErrInvalidReference)
	case !namePattern.MatchString(name):
		return fmt.Errorf("claim %q holds a character that no container id or name has: %w", claim, ErrInvalidReference)
	}
	return nil
}

// References returns every claim that could mean the container with this full id and name (without a slash): the id,
// each of its prefixes from 12 digits on and the name, each with and without the one leading slash that
// [Engine.Observe] accepts. With an empty name it returns the ids only, with an empty id the names only.
func References(id, name string) []string {
	refs := make([]string, 0, 2*(idLength-shortIDLength+2))
	for length := shortIDLength; length <= len(id); length++ {
		refs = append(refs, id[:length], "/"+id[:length])
	}
	if name != "" {
		refs = append(refs, name, "/"+name)
	}
	return refs
}

// IsFullID reports whether s is a full container id: 64 hex digits, never used again.
func IsFullID(s string) bool { return len(s) == idLength && isHex(s) }

// IsShortPrefix reports whether a claim is hex digits and too few of them for an id. It means the container of exactly
// that name; where there is none, [Engine.Observe] returns [ErrInvalidReference].
func IsShortPrefix(claim string) bool {
	ref := strings.TrimPrefix(claim, "/")
	return len(ref) < shortIDLength && isHex(ref)
}

// isHex reports whether s consists of lower-case hex digits only, as ids do. The engine compares ids exactly, so a
// claim with an upper-case digit can only be a name.
func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}

// fits reports whether a container with this id and name is what a reference (without a slash) asked for. An answer
// about another container proves nothing.
func fits(ref, id, name string) bool {
	return ref == name || (len(ref) >= shortIDLength && isHex(ref) && strings.HasPrefix(id, ref))
}

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
	name := claimed(claim)
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
	ref := claimed(claim)
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

// ClaimsID reports whether a claim is the full id of a container or a short form of it. A claim that is its name does
// not count: another container can have had it, or get it.
func ClaimsID(claim, id string) bool {
	ref := claimed(claim)
	return len(ref) >= shortIDLength && strings.HasPrefix(id, ref)
}

// ClaimsName reports whether a claim is this name (without a slash).
func ClaimsName(claim, name string) bool { return claimed(claim) == name }

// claimed is a claim without the one leading slash that the engine's own answers put before names.
func claimed(claim string) string { return strings.TrimPrefix(claim, "/") }

// ShortID returns the form of a full id that docker prints.
func ShortID(id string) string { return id[:min(len(id), shortIDLength)] }

// means reports whether a container with this full id and name is what a claim asked for. An answer about another
// container proves nothing.
func means(claim, id, name string) bool { return ClaimsName(claim, name) || ClaimsID(claim, id) }

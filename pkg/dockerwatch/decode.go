package dockerwatch

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/docker/docker/api/types/events"
)

// decodeEvent reads a message of the event stream. It reports false for anything that is not about a container with a
// full id. Only the fields that newer engines still send are used (API 1.52 dropped id, status and from).
func decodeEvent(m events.Message) (Event, bool) {
	if m.Type != events.ContainerEventType || !IsFullID(m.Actor.ID) {
		return Event{}, false
	}
	event := Event{
		Action: firstWord(m.Action),
		ID:     m.Actor.ID,
		Name:   strings.TrimPrefix(m.Actor.Attributes["name"], "/"),
		Time:   messageTime(m),
		Labels: m.Actor.Attributes,
	}
	// The attributes are mixed with the container's labels, which may be called anything: only a die has an exit code.
	if code, err := strconv.Atoi(m.Actor.Attributes["exitCode"]); err == nil && event.Action == ActionDie {
		event.ExitCode = &code
	}
	return event, true
}

// firstWord is all that is ever kept of an action: what follows can be a whole command line with its secrets
// ("exec_create: /bin/login --token=…").
func firstWord(action events.Action) Action {
	word := string(action)
	if end := strings.IndexFunc(word, func(r rune) bool { return r == ':' || unicode.IsSpace(r) }); end >= 0 {
		word = word[:end]
	}
	return Action(word)
}

// messageTime is the engine's own time of a message, to the nanosecond where it says so; zero where it says none.
func messageTime(m events.Message) time.Time {
	switch {
	case m.TimeNano != 0:
		return time.Unix(0, m.TimeNano).UTC()
	case m.Time != 0:
		return time.Unix(m.Time, 0).UTC()
	default:
		return time.Time{}
	}
}

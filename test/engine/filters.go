package engine

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/docker/docker/api/types/events"
)

// filters are those of a list or of a stream: by key the values, any of which will do.
type filters map[string]map[string]bool

// parseFilters reads them, in the form of today or in the one of old, where the values are a list. Those that nobody
// here uses are refused as a real engine refuses those it does not know.
func parseFilters(s string) (filters, error) {
	f := map[string]map[string]bool{}
	if s == "" {
		return f, nil
	}
	if err := json.Unmarshal([]byte(s), &f); err != nil {
		var old map[string][]string
		if json.Unmarshal([]byte(s), &old) != nil {
			return nil, err // a real engine answers 500
		}
		f = map[string]map[string]bool{}
		for key, values := range old {
			f[key] = map[string]bool{}
			for _, value := range values {
				f[key][value] = true
			}
		}
	}
	for key := range f {
		switch key {
		case "label", "name", "type", "event", "status":
		default:
			return nil, invalidError("Invalid filter '" + key + "'")
		}
	}
	return f, nil
}

// container reports whether a list shows it. All labels that are asked for must be there, one of the names, and it is
// in one of the states.
func (f filters) container(c *container) bool {
	if states := f["status"]; len(states) > 0 && !states[string(c.Status)] {
		return false
	}
	for label := range f["label"] {
		key, value, valued := strings.Cut(label, "=")
		if have, has := c.Labels[key]; !has || valued && have != value {
			return false
		}
	}
	for name := range f["name"] {
		pattern, err := regexp.Compile(name)
		if err == nil && (pattern.MatchString(c.Name) || pattern.MatchString("/"+c.Name)) {
			return true
		}
	}
	return len(f["name"]) == 0
}

// event reports whether a stream shows it. An event filter means the first word of an action.
func (f filters) event(m events.Message) bool {
	action, _, _ := strings.Cut(string(m.Action), ":")
	return (len(f["type"]) == 0 || f["type"][string(m.Type)]) && (len(f["event"]) == 0 || f["event"][action])
}

package dockerwatch

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/docker/docker/api/types/events"
)

// FuzzDecodeEvent checks that whatever an engine sends, an event has a full id and a one-word action, and that nothing
// of a command line is left of it.
func FuzzDecodeEvent(f *testing.F) {
	const actor = `"Actor":{"ID":"` + testID + `","Attributes":{"name":"web","exitCode":"1"}}}`
	for _, action := range []string{
		"die", "kill", "exec_create: /x --token=SECRET", "exec_start:SECRET", "exec_die\\tSECRET",
		"health_status: SECRET", "exec_create\\u2003SECRET", "", " SECRET",
	} {
		f.Add([]byte(`{"Type":"container","Action":"`+action+`","timeNano":1,`+actor), "SECRET")
	}
	f.Add([]byte(`{"Type":"container","Actor":{"ID":"`+testID+`"},"time":-1}`), "x")
	f.Add([]byte(`{"Type":"container","Action":"die","Actor":{"ID":"`+testID[1:]+`é"}}`), "")
	f.Add([]byte(`{"type":"container","ACTION":"die","Actor":{"id":"`+testID+`","Attributes":null}}`), "")
	f.Fuzz(func(t *testing.T, data []byte, commandLine string) {
		var m events.Message
		if json.Unmarshal(data, &m) != nil {
			return
		}
		event, ok := decodeEvent(m)
		if !ok {
			return
		}
		if !IsFullID(event.ID) || m.Type != events.ContainerEventType {
			t.Errorf("an event without a container: %+v", event)
		}
		if strings.ContainsFunc(string(event.Action), func(r rune) bool { return r == ':' || unicode.IsSpace(r) }) {
			t.Errorf("the action %q is more than a word", event.Action)
		}
		if event.ExitCode != nil && event.Action != ActionDie {
			t.Errorf("%s has an exit code", event.Action)
		}
		for _, separator := range []string{": ", ":", " ", "\t", "\n", "\u2003"} {
			m.Action = events.Action("exec_create" + separator + commandLine)
			if got, _ := decodeEvent(m); got.Action != "exec_create" {
				t.Errorf("something of the command line is left: %q", got.Action)
			}
		}
	})
}

// FuzzParseHost checks that the password of an address is neither in what is logged nor in an error.
func FuzzParseHost(f *testing.F) {
	for _, seed := range []struct{ before, after, rest string }{
		{"", "", "engine:2375"},
		{"", "", "engine:x y"},
		{"12/", "", "engine"},
		{"12?", "", "engine"},
		{"12#", "", "engine"},
		{"%zz", "", "%zz"},
		{"a@b:0/", "@", ":99999"},
	} {
		f.Add(seed.before, seed.after, seed.rest, false)
	}
	f.Fuzz(func(t *testing.T, before, after, rest string, secure bool) {
		const secret = "hunter2"
		password := before + secret + after
		if strings.Contains(rest, secret) {
			return
		}
		for _, value := range []string{
			"tcp://me:" + url.QueryEscape(password) + "@" + rest,
			"tcp://me:" + password + "@" + rest,
			"me:" + password + "@" + rest,
			"ssh://me:" + password + "@" + rest,
		} {
			p, err := parseHost(value, secure)
			if err == nil && strings.Contains(p.host(), secret) {
				t.Errorf("parseHost(%q) is the host %s, which holds the password", value, p.host())
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("parseHost(%q): the error holds the password: %v", value, err)
			}
		}
	})
}

package dockerwatch

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/events"
)

// A busy engine sends hundreds of events a second; most are of health probes, and are dropped once they are decoded.
func BenchmarkDecodeEvent(b *testing.B) {
	id := strings.Repeat("1", idLength)
	message := func(action, attributes string) string {
		return `{"status":"` + action + `","id":"` + id + `","from":"web","Type":"container","Action":"` + action +
			`","Actor":{"ID":"` + id + `","Attributes":{` + attributes + `"image":"web","name":"web-7",` +
			`"io.session-controller.session":"s7","com.example.team":"a"}},"scope":"local","time":1767355200,` +
			`"timeNano":1767355200123456789}`
	}
	for name, text := range map[string]string{
		"die":  message("die", `"exitCode":"137",`),
		"exec": message("exec_start: /bin/sh -c curl -f http://localhost:8080/healthz || exit 1", `"execID":"7",`),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var m events.Message
				if err := json.Unmarshal([]byte(text), &m); err != nil {
					b.Fatal(err)
				}
				if _, ok := decodeEvent(m); !ok {
					b.Fatal("it is not about a container")
				}
			}
		})
	}
}

// Every claim of every row is checked at every sweep.
func BenchmarkCheckReference(b *testing.B) {
	for name, claim := range map[string]string{
		"id": strings.Repeat("1", idLength), "short": "1234567890ab", "name": "claude-work-s7",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := CheckReference(claim); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

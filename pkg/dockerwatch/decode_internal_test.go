package dockerwatch

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/google/go-cmp/cmp"
)

const testID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestDecodeEvent(t *testing.T) {
	t.Parallel()

	code := 137
	at := time.Unix(1700000000, 123456789).UTC()
	cases := []struct {
		reason string
		json   string
		want   *Event // nil: dropped
	}{
		{
			"a die carries its exit code and the labels",
			`{"Type":"container","Action":"die",
			  "Actor":{"ID":"` + testID + `","Attributes":{"name":"web","exitCode":"137","a":"b"}},
			  "time":1700000000,"timeNano":1700000000123456789}`,
			&Event{
				Action: ActionDie, ID: testID, Name: "web", Time: at, ExitCode: &code,
				Labels: map[string]string{"name": "web", "exitCode": "137", "a": "b"},
			},
		}, {
			"a time without nanoseconds is used where there is no other",
			`{"Type":"container","Action":"start","Actor":{"ID":"` + testID + `"},"time":1700000000}`,
			&Event{Action: ActionStart, ID: testID, Time: time.Unix(1700000000, 0).UTC()},
		}, {
			"no time at all is the zero time",
			`{"Type":"container","Action":"start","Actor":{"ID":"` + testID + `"}}`,
			&Event{Action: ActionStart, ID: testID},
		}, {
			"an exit code that is no number is none",
			`{"Type":"container","Action":"die","Actor":{"ID":"` + testID + `","Attributes":{"exitCode":"x"}}}`,
			&Event{Action: ActionDie, ID: testID, Labels: map[string]string{"exitCode": "x"}},
		}, {
			"a label may be called exitCode: only a die has one",
			`{"Type":"container","Action":"start","Actor":{"ID":"` + testID + `","Attributes":{"exitCode":"3"}}}`,
			&Event{Action: ActionStart, ID: testID, Labels: map[string]string{"exitCode": "3"}},
		}, {
			"only the first word of an action is kept: the rest is a command line",
			`{"Type":"container","Action":"exec_create: /bin/login --token=hunter2","Actor":{"ID":"` + testID + `"}}`,
			&Event{Action: "exec_create", ID: testID},
		}, {
			"the old id field is gone in API 1.52 and not used",
			`{"Type":"container","Action":"die","id":"` + testID + `","Actor":{}}`,
			nil,
		}, {
			"a container has a full id",
			`{"Type":"container","Action":"die","Actor":{"ID":"0123456789ab"}}`,
			nil,
		}, {
			"a network's id looks like a container's",
			`{"Type":"network","Action":"destroy","Actor":{"ID":"` + testID + `"}}`,
			nil,
		},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			var m events.Message
			if err := json.Unmarshal([]byte(c.json), &m); err != nil {
				t.Fatal(err)
			}
			var got *Event
			if event, ok := decodeEvent(m); ok {
				got = &event
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimestamp(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		time   time.Time
		want   string
	}{
		{"no time means only new events", time.Time{}, ""},
		{"nanoseconds keep their leading zeros", time.Unix(1700000000, 42), "1700000000.000000042"},
		{"whole seconds have the same form", time.Unix(1700000000, 0), "1700000000.000000000"},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			if got := timestamp(c.time); got != c.want {
				t.Errorf("timestamp = %q, want %q", got, c.want)
			}
		})
	}
}

func TestWholeSeconds(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		grace  time.Duration
		want   int
	}{
		{"none", 0, 0},
		{"a negative one would mean never to kill", -10 * time.Second, 0},
		{"the shortest is rounded up", time.Nanosecond, 1},
		{"a whole one stays", time.Second, 1},
		{"a part counts as a whole", 1500 * time.Millisecond, 2},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			if got := wholeSeconds(c.grace); got != c.want {
				t.Errorf("wholeSeconds(%s) = %d, want %d", c.grace, got, c.want)
			}
		})
	}
}

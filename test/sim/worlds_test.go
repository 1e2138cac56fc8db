package sim

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// committed holds the worlds that are always played, one in each line: those that once broke a promise, and drawn ones
// that together bring about everything that a controller can do. A change of what is drawn does not change them. In
// committedLong are worlds that bring about nothing else and take longest: `make test-outages` plays them.
var (
	//go:embed testdata/worlds.jsonl
	committed []byte
	//go:embed testdata/worlds_long.jsonl
	committedLong []byte
)

// worldLine is a [setup] as a line of text.
type worldLine struct {
	// Broke says which promise a controller broke in this world, and how; empty where none did.
	Broke    string `json:"broke,omitempty"`
	Breaks   string `json:"breaks,omitempty"`
	Engines  int    `json:"engines"`
	Replicas int    `json:"replicas"`
	// Is names the switches of the setup that are on.
	Is []string `json:"is,omitempty"`
	// Steps are "KIND A B C D WAIT"; a kind may have spaces in it.
	Steps []string `json:"steps"`
}

// switches are a setup's switches by the names that they have in a line of text.
func switches(s *setup) map[string]*bool {
	return map[string]*bool{
		"all": &s.all, "claimed": &s.claimed, "crowded": &s.crowded, "delayed": &s.delayed, "exclusive": &s.exclusive,
		"lease": &s.lease, "none": &s.none, "numbers": &s.numbers, "rehearsed": &s.rehearsed, "tails": &s.tails,
		"thawed": &s.thawed, "touchy": &s.touchy, "wedged": &s.wedged,
	}
}

// line is the setup as a line of text, as it stands in testdata/worlds.jsonl.
func (s setup) line() string {
	l := worldLine{Breaks: s.breaks, Engines: s.engines, Replicas: s.replicas}
	for name, on := range switches(&s) {
		if *on {
			l.Is = append(l.Is, name)
		}
	}
	slices.Sort(l.Is)
	for _, step := range s.steps {
		l.Steps = append(l.Steps, fmt.Sprintf("%s %d %d %d %d %s", step.kind, step.a, step.b, step.c, step.d, step.wait))
	}
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // it holds nothing but text and numbers
	}
	return string(text)
}

// keepsake is the line to add to testdata/worlds.jsonl when a promise was broken in this world.
func (s setup) keepsake() string { return "the world, for testdata/worlds.jsonl:\n" + s.line() }

// parseWorld reads a line of text.
func parseWorld(text []byte) (s setup, err error) {
	var l worldLine
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&l); err != nil {
		return setup{}, err
	}
	s = setup{breaks: l.Breaks, engines: l.Engines, replicas: l.Replicas}
	for _, name := range l.Is {
		on := switches(&s)[name]
		if on == nil {
			return setup{}, fmt.Errorf("the simulation knows no switch %q", name)
		}
		*on = true
	}
	for _, text := range l.Steps {
		step, err := parseStep(text)
		if err != nil {
			return setup{}, fmt.Errorf("step %q: %w", text, err)
		}
		s.steps = append(s.steps, step)
	}
	return s, nil
}

// parseStep reads "KIND A B C D WAIT".
func parseStep(text string) (step, error) {
	const numbers = 4
	fields := strings.Fields(text)
	kind := len(fields) - numbers - 1
	if kind < 1 {
		return step{}, errors.New("it is not KIND A B C D WAIT")
	}
	s := step{kind: strings.Join(fields[:kind], " ")}
	if !slices.Contains(kinds(), s.kind) {
		return step{}, errors.New("the simulation knows no such kind of step")
	}
	var errs [numbers + 1]error
	for i, n := range []*int{&s.a, &s.b, &s.c, &s.d} {
		*n, errs[i] = strconv.Atoi(fields[kind+i])
	}
	s.wait, errs[numbers] = time.ParseDuration(fields[len(fields)-1])
	return s, errors.Join(errs[:]...)
}

// committedWorlds are the worlds of testdata/worlds.jsonl, or those of worlds_long.jsonl.
func committedWorlds(t *testing.T, long bool) (worlds []setup) {
	t.Helper()
	const longest = 1 << 20
	name, text := "worlds.jsonl", committed
	if long {
		name, text = "worlds_long.jsonl", committedLong
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, longest)
	for lines.Scan() {
		s, err := parseWorld(lines.Bytes())
		if err != nil {
			t.Fatalf("testdata/%s:%d: %v", name, len(worlds)+1, err)
		}
		worlds = append(worlds, s)
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("testdata/%s: %v", name, err)
	}
	return worlds
}

// TestAWorldIsWrittenAndReadAsItIs holds the two forms of a world to each other.
func TestAWorldIsWrittenAndReadAsItIs(t *testing.T) {
	t.Parallel()
	drawn := drawSetup()
	for seed := range 50 {
		s := drawn.Example(seed)
		read, err := parseWorld([]byte(s.line()))
		if err != nil || read.line() != s.line() || read.String() != s.String() || !slices.Equal(read.steps, s.steps) {
			t.Errorf("written:\n%s\nread:\n%s\nerror: %v", s.line(), read.line(), err)
		}
	}
	for text, why := range map[string]string{
		`{"engines":1,"replicas":1,"steps":["dance 1 2 3 4 0s"]}`:         "no such kind of step",
		`{"engines":1,"replicas":1,"steps":["open 1 2 3 0s"]}`:            "not KIND",
		`{"engines":1,"replicas":1,"steps":["open 1 2 3 4 soon"]}`:        "invalid duration",
		`{"engines":1,"replicas":1,"is":["odd"],"steps":[]}`:              "no switch",
		`{"engines":1,"replicas":1,"seeds":[],"is":["lease"],"steps":[]}`: "unknown field",
	} {
		if _, err := parseWorld([]byte(text)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s is read, or refused with %v; want an error with %q", text, err, why)
		}
	}
}

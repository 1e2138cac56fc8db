package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	goyaml "go.yaml.in/yaml/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// readConfig reads a configuration file over c. Unknown keys and durations that are none are errors that name the key.
func readConfig(path string, c *config) error {
	data, err := os.ReadFile(path) //nolint:gosec // the file is the one that the operator names
	if err != nil {
		return fmt.Errorf("read the configuration file: %w", err)
	}
	if err := parseConfig(data, c); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	return nil
}

// parseConfig is readConfig for what the file holds.
func parseConfig(data []byte, c *config) error {
	if err := checkSingle(data); err != nil {
		return err
	}
	var raw map[string]any
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return err //nolint:wrapcheck // readConfig names the file
	}
	if err := checkKeys(raw, reflect.TypeFor[config](), ""); err != nil {
		return err
	}
	return yaml.UnmarshalStrict(data, c) //nolint:wrapcheck // readConfig names the file
}

// checkSingle refuses a second document in the file, which the decoder would leave unread.
func checkSingle(data []byte) error {
	documents := goyaml.NewDecoder(bytes.NewReader(data))
	var document any
	if documents.Decode(&document) != nil {
		return nil //nolint:nilerr // there is none, or the decoder that comes next says what is wrong with it
	}
	if err := documents.Decode(&document); !errors.Is(err, io.EOF) {
		return errors.New("the file goes on after its first YAML document: leave out the line --- or ... in it")
	}
	return nil
}

// checkKeys finds the keys of a section that are none and the durations that do not parse. The decoder's own error does
// not say which key a duration is of; and it takes a key in any case, so that two spellings of one would both count.
func checkKeys(raw map[string]any, section reflect.Type, path string) error {
	fields := map[string]reflect.Type{}
	for field := range section.Fields() {
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[key] = field.Type
	}
	delete(fields, "-")
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		value, field := raw[key], fields[key]
		switch below, isSection := value.(map[string]any); {
		case field == nil:
			problems = append(problems, fmt.Errorf("unknown key %q%s: the keys are %s",
				key, within(path), strings.Join(slices.Sorted(maps.Keys(fields)), ", ")))
		case field == reflect.TypeFor[metav1.Duration]():
			text, ok := value.(string)
			if _, err := time.ParseDuration(text); !ok || err != nil {
				problems = append(problems,
					fmt.Errorf("%s%s is %v: give a duration such as 500ms, 5s or 2m", path, key, value))
			}
		case isSection && field.Kind() == reflect.Struct:
			problems = append(problems, checkKeys(below, field, path+key+"."))
		}
	}
	return errors.Join(problems...)
}

// within names the section that a key was looked for in.
func within(path string) string {
	if path == "" {
		return ""
	}
	return " in " + strings.TrimSuffix(path, ".")
}

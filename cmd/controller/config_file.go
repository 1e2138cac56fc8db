package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// readConfig reads a configuration file over c. Unknown keys and durations that are none are errors that name the key.
func readConfig(path string, c *config) error {
	data, err := os.ReadFile(path) //nolint:gosec // the file is the one that the operator names
	if err != nil {
		return fmt.Errorf("read the configuration file: %w", err)
	}
	var raw map[string]any
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	if err := checkDurations(raw, reflect.TypeFor[config](), ""); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	if err := yaml.UnmarshalStrict(data, c); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	return nil
}

// checkDurations finds the durations of a section that do not parse: the decoder's own error does not say which key.
func checkDurations(raw map[string]any, section reflect.Type, path string) error {
	var problems []error
	for field := range section.Fields() {
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		value, given := raw[key]
		if !given {
			continue
		}
		switch below, isSection := value.(map[string]any); {
		case field.Type == reflect.TypeFor[metav1.Duration]():
			text, ok := value.(string)
			if _, err := time.ParseDuration(text); !ok || err != nil {
				problems = append(problems, fmt.Errorf("%s%s is %v: give a duration such as 500ms, 5s or 2m", path, key, value))
			}
		case isSection && field.Type.Kind() == reflect.Struct:
			problems = append(problems, checkDurations(below, field.Type, path+key+"."))
		}
	}
	return errors.Join(problems...)
}

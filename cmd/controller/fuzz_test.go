package main

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// FuzzConfigFile checks that a file is either refused or says nothing that is not known, and that the controller can
// judge whatever it says.
func FuzzConfigFile(f *testing.F) {
	for _, seed := range []string{
		"", "---", "[]", "a", "null", "database: null", "database: []", "policy: {exitGrace: 5}", "policy: {exitGrace: null}",
		"policy: {exitGrace: 1ns, EXITGRACE: 2h}", "resyncPeriod: 1m\nresyncperiod: 2m", "DryRun: true", "workers: 1e3",
		"dryRun: false\n---\ndryRun: true", "dryRun: false\n...\nworkerz: 1", "--- # one\nworkers: 2\n...\n",
		"database: &a {url: 'file:x.db'}\ndocker: *a", "<<: {workers: 3}", "1: 2", "~: 3", "? [a]\n: 4", "workers: *b",
		"database: {url: 'postgres://me:hunter2@h/db', statuses: {live: [1, true, ~]}, columns: {id: 1e400}}",
		"docker: {ownership: {namePrefixes: [a-, '']}}", "policy: {breaker: {maxFraction: .nan, minSessions: 0x10}}",
		"database: {'-': node, Node: a}", "\xff", "a: !!binary gIGC", "\tworkers: 1",
	} {
		f.Add([]byte(seed), "workerz")
	}
	f.Add([]byte("{}"), "Workers")
	f.Add([]byte("{}"), "a\nb: \"c\"")
	known := leaves(reflect.TypeFor[config](), "")
	f.Fuzz(func(t *testing.T, data []byte, key string) {
		c := defaultConfig()
		err := parseConfig(data, &c)
		if problems := c.validate(); err != nil { // must not panic, however much was read before the error
			return
		} else if problems == nil && (c.Workers < 1 || c.Database.URL == "") {
			t.Errorf("%q makes %+v, which passes", data, c)
		}
		for _, path := range paths(t, data) {
			if !slices.ContainsFunc(known, func(leaf string) bool { return strings.HasPrefix(leaf+".", path+".") }) {
				t.Errorf("%q has the key %s, which is none, and is taken", data, path)
			}
		}
		checkUnknownKey(t, data, key, known)
	})
}

// checkUnknownKey puts a key that is none into good data, in three places.
func checkUnknownKey(t *testing.T, good []byte, key string, known []string) {
	t.Helper()
	if !utf8.ValidString(key) || slices.ContainsFunc(known, func(leaf string) bool {
		return slices.Contains(strings.Split(leaf, "."), key)
	}) {
		return
	}
	line, err := yaml.Marshal(map[string]int{key: 1})
	if err != nil {
		return // it holds a character that no YAML can
	}
	section, err := yaml.Marshal(map[string]any{"docker": map[string]any{"ownership": map[string]int{key: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{line, section} {
		c := defaultConfig()
		if err := parseConfig(data, &c); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", key)) {
			t.Errorf("%q: got error %v, want one that names the key %q", data, err, key)
		}
	}
	c := defaultConfig()
	if data := bytes.Join([][]byte{good, line}, []byte("\n---\n")); parseConfig(data, &c) == nil {
		t.Errorf("%q is taken, and its second document is not read", data)
	}
}

// paths returns the keys of a file in all depths of sections: database, database.columns, database.columns.id.
func paths(t *testing.T, data []byte) []string {
	t.Helper()
	var raw map[string]any
	if err := yaml.Unmarshal(data, &raw); err != nil {
		t.Fatalf("%q was taken and cannot be read: %v", data, err)
	}
	var all []string
	var walk func(prefix string, section map[string]any)
	walk = func(prefix string, section map[string]any) {
		for key, value := range section {
			all = append(all, prefix+key)
			if below, ok := value.(map[string]any); ok {
				walk(prefix+key+".", below)
			}
		}
	}
	walk("", raw)
	return all
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// root is the project's own directory, from this package's.
const root = "../.."

// TestTheTableOfKeysIsTheCodes keeps the configuration table honest, in both directions.
func TestTheTableOfKeysIsTheCodes(t *testing.T) {
	t.Parallel()

	documented := documentedKeys(t)
	defaults := defaultConfig()
	keys := map[string]bool{}

	for _, key := range leaves(reflect.TypeFor[config](), "") {
		keys[key] = true

		cell, ok := documented[key]
		if !ok {
			t.Errorf("docs/configuration.md has no row for %s", key)

			continue
		}
		// The cell is read as the file itself is, into a configuration without defaults: what comes out is compared, not
		// how it is written.
		var c config
		if err := yaml.UnmarshalStrict([]byte(nested(key, cell)), &c); err != nil {
			t.Errorf("docs/configuration.md: the default of %s, %s, is no value of it: %v", key, cell, err)

			continue
		}
		if diff := cmp.Diff(value(defaults, key), value(c, key)); diff != "" {
			t.Errorf("docs/configuration.md: the default of %s (-code +document):\n%s", key, diff)
		}
	}

	for key := range documented {
		if !keys[key] {
			t.Errorf("docs/configuration.md has %s, which is no key", key)
		}
	}
}

// TestDocumentedConfigurationsLoad: whoever copies a block or an example must get a controller that starts.
func TestDocumentedConfigurationsLoad(t *testing.T) {
	t.Parallel()

	configurations := map[string][]byte{}

	examples, err := filepath.Glob(filepath.Join(root, "config/examples/*.yaml"))
	if err != nil || len(examples) == 0 {
		t.Fatalf("find the examples: %d found, error %v", len(examples), err)
	}

	for _, file := range examples {
		configurations[filepath.Base(file)] = readFile(t, file)
	}

	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

	for _, page := range []string{
		"README.md", "README.ja.md", "docs/configuration.md", "docs/integrating.md", "docs/operating.md",
	} {
		for i, match := range block.FindAllSubmatch(readFile(t, filepath.Join(root, page)), -1) {
			configurations[fmt.Sprintf("%s block %d", page, i+1)] = match[1]
		}
	}

	for name, content := range configurations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			file := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
			// A block about something else leaves the database to the environment; one that names it must name it well.
			getenv := func(name string) string {
				if name == "DATABASE_URL" && !bytes.Contains(content, []byte("url:")) {
					return "file:data.db"
				}

				return ""
			}
			if _, err := loadConfig(&flags{config: file}, getenv); err != nil {
				t.Errorf("the configuration is refused: %v", err)
			}
		})
	}
}

// TestEveryCommandAndFlagIsDocumented: what is not in docs/commands.md is not found.
func TestEveryCommandAndFlagIsDocumented(t *testing.T) {
	t.Parallel()

	const page = "docs/commands.md"

	text := string(readFile(t, filepath.Join(root, page)))
	need := func(word string) {
		if !strings.Contains(text, word) {
			t.Errorf("%s does not name %s", page, word)
		}
	}
	flag := func(f *pflag.Flag) { need("`--" + f.Name) }
	cmd := newRootCommand(io.Discard, io.Discard, usualElection())
	cmd.PersistentFlags().VisitAll(flag)

	for _, sub := range cmd.Commands() {
		need("`" + sub.Name())
		sub.LocalNonPersistentFlags().VisitAll(flag)
	}

	// A flag that is gone must go from the documents, too.
	for _, page := range []string{page, "README.md", "docs/configuration.md"} {
		for _, match := range regexp.MustCompile("`--([a-z-]+)").FindAllSubmatch(readFile(t, filepath.Join(root, page)), -1) {
			known := slices.ContainsFunc(append(cmd.Commands(), cmd), func(c *cobra.Command) bool {
				return c.Flags().Lookup(string(match[1])) != nil || c.PersistentFlags().Lookup(string(match[1])) != nil
			})
			if !known {
				t.Errorf("%s names --%s, which is no flag", page, match[1])
			}
		}
	}
}

// TestTheReadmeIsShort: whoever meets the project reads one page, and what is not on it is linked from there.
func TestTheReadmeIsShort(t *testing.T) {
	t.Parallel()

	const limit = 180

	for _, page := range []string{"README.md", "README.ja.md"} {
		if n := bytes.Count(readFile(t, filepath.Join(root, page)), []byte("\n")); n > limit {
			t.Errorf("%s has %d lines, want at most %d", page, n, limit)
		}
	}
}

// documentedKeys returns the rows of the configuration table: key → default, both as they stand in their backticks.
func documentedKeys(t *testing.T) map[string]string {
	t.Helper()

	_, section, found := strings.Cut(string(readFile(t, filepath.Join(root, "docs/configuration.md"))), "\n## Keys\n")
	if !found {
		t.Fatal("docs/configuration.md has no section Keys")
	}

	section, _, _ = strings.Cut(section, "\n## ")
	keys := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `([A-Za-z.]+)` \\| `([^`]*)` \\|")

	for _, match := range row.FindAllStringSubmatch(section, -1) {
		if _, twice := keys[match[1]]; twice {
			t.Errorf("docs/configuration.md has %s twice", match[1])
		}

		keys[match[1]] = match[2]
	}

	return keys
}

// leaves returns the keys of a configuration that hold values, as the file spells them: database.columns.id.
func leaves(typ reflect.Type, prefix string) []string {
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[metav1.Duration]() {
		return []string{strings.TrimSuffix(prefix, ".")}
	}

	var keys []string
	for field := range typ.Fields() {
		if name := field.Tag.Get("json"); name != "-" {
			keys = append(keys, leaves(field.Type, prefix+name+".")...)
		}
	}

	return keys
}

// value returns what a configuration holds under a key.
func value(c config, key string) any {
	v := reflect.ValueOf(c)
	for name := range strings.SplitSeq(key, ".") {
		v = v.FieldByNameFunc(func(field string) bool {
			f, _ := v.Type().FieldByName(field)

			return f.Tag.Get("json") == name
		})
	}

	return v.Interface()
}

// nested writes a.b.c and a value as a configuration file does.
func nested(key, value string) string {
	parts := strings.Split(key, ".")

	return strings.Join(parts, ": {") + ": " + value + strings.Repeat("}", len(parts)-1)
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()

	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}

	return content
}

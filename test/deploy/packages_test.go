package deploy

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// imports returns what each package of the program imports of the others, by their folders.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, top := range []string{"cmd", "controllers", "internal", "pkg"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			dir, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			found[dir] = append(found[dir], importsOf(t, path)...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for dir, all := range found {
		slices.Sort(all)
		found[dir] = slices.Compact(all)
	}
	return found
}

// importsOf returns what one file imports of the program's packages.
func importsOf(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var own []string
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if dir, ours := strings.CutPrefix(name, "github.com/session-controller/session-controller/"); ours {
			own = append(own, dir)
		}
	}
	return own
}

// TestThePictureOfThePackagesIsTheCodes holds the list of packages in CONTRIBUTING.md to the code, and checks that
// every arrow of it leads down.
func TestThePictureOfThePackagesIsTheCodes(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(read(t, "CONTRIBUTING.md"), "### The packages")
	_, picture, _ := strings.Cut(section, "```\n")
	picture, _, _ = strings.Cut(picture, "\n```")
	drawn := map[string][]string{}
	var order []string
	for line := range strings.Lines(picture) {
		from, to, arrow := strings.Cut(line, "→")
		if !arrow {
			t.Fatalf("a line without an arrow: %q", line)
		}
		dir := strings.TrimSpace(from)
		order = append(order, dir)
		drawn[dir] = nil
		for name := range strings.SplitSeq(to, ",") {
			switch name = strings.TrimSpace(name); {
			case name == "":
				continue
			case !strings.Contains(name, "/") && name != "controllers":
				name = "controllers/internal/" + name
			}
			drawn[dir] = append(drawn[dir], name)
		}
		slices.Sort(drawn[dir])
	}
	if diff := cmp.Diff(imports(t), drawn); diff != "" {
		t.Errorf("CONTRIBUTING.md (-code +document):\n%s", diff)
	}
	for i, dir := range order {
		for _, to := range drawn[dir] {
			if slices.Index(order, to) <= i {
				t.Errorf("%s imports %s, which does not stand below it", dir, to)
			}
		}
	}
}

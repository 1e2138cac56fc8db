package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every mutant must still be one: the functions that it changes are there, with the texts in them, once each, and the
// changed code compiles. Its
// packages are checked by the compiler's rules against the others as they were built once: to build each anew takes
// minutes.
//
//nolint:paralleltest // they share what has been imported
func TestMutantsBuild(t *testing.T) {
	t.Chdir("../../..")
	built := list(t)
	all, err := findFunctions()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants() {
		t.Run(strings.ReplaceAll(m.name, " ", "_"), func(t *testing.T) {
			replace, err := m.changed(all, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			checked := map[string]bool{}
			for file := range replace {
				dir := filepath.Dir(file)
				if !checked[dir] {
					if err := built.check(dir, replace); err != nil {
						t.Error(err)
					}
				}
				checked[dir] = true
			}
		})
	}
}

// A check that finds nothing would prove nothing.
func TestAMutantThatDoesNotBuildIsFound(t *testing.T) {
	t.Chdir("../../..")
	m := mutants()[0]
	m.edits = slices.Clone(m.edits[:1])
	m.edits[0].to = "undefined()"
	all, err := findFunctions()
	if err != nil {
		t.Fatal(err)
	}
	replace, err := m.changed(all, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for file := range replace {
		if err := list(t).check(filepath.Dir(file), replace); err == nil {
			t.Errorf("nothing was found in %s", file)
		}
	}
}

// What a mutant cannot change as it is meant to is told, and not left as it is.
func TestAnEditThatFitsNothingIsRefused(t *testing.T) {
	t.Chdir("../../..")
	all, err := findFunctions()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []edit{
		{"engineGuard.nothing", "g", "h"},           // no function has that name
		{"New", "return", "panic"},                  // several have that one
		{"Store.Get", "text that is not there", ""}, // the function has no such text
		{"Store.Get", "ctx", "other"},               // it has it more than once
	} {
		if changed, err := all.change([]edit{e}); err == nil {
			t.Errorf("%+v changed %d files", e, len(changed))
		}
	}
}

// builds are the project's packages with their dependencies.
type builds struct {
	files    map[string][]string  // by folder
	parsed   map[string]*ast.File // as they are, by path
	importer types.Importer
	fset     *token.FileSet
}

// list builds everything that the simulation needs, once.
func list(t *testing.T) *builds {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-test",
		"-json=Dir,GoFiles,ImportPath,Export", "./test/sim")
	list.Env, list.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr // as every binary is built
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	b := &builds{files: map[string][]string{}, parsed: map[string]*ast.File{}, fset: token.NewFileSet()}
	exports := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			Dir, ImportPath, Export string
			GoFiles                 []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) { //nolint:musttag // the names that go list has
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(p.ImportPath, " ") {
			continue // built for a test
		}
		exports[p.ImportPath] = p.Export
		for _, file := range p.GoFiles {
			b.files[p.Dir] = append(b.files[p.Dir], filepath.Join(p.Dir, file))
		}
	}
	b.importer = importer.ForCompiler(b.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	return b
}

// check says what a compiler says of a package some of whose files are changed.
func (b *builds) check(dir string, replace map[string]string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find %s: %w", dir, err)
	}
	files := make([]*ast.File, 0, len(b.files[dir]))
	for _, file := range b.files[dir] {
		parsed, err := b.parse(file, replace[file])
		if err != nil {
			return err
		}
		files = append(files, parsed)
	}
	config := types.Config{Importer: b.importer}
	if _, err := config.Check(dir, b.fset, files, nil); err != nil {
		return fmt.Errorf("check %s: %w", dir, err)
	}
	return nil
}

// parse returns a file as it is changed, or as it is where changed is empty: that once for all mutants.
func (b *builds) parse(file, changed string) (*ast.File, error) {
	if known := b.parsed[file]; known != nil && changed == "" {
		return known, nil
	}
	parsed, err := parser.ParseFile(b.fset, cmp.Or(changed, file), nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", file, err)
	}
	if changed == "" {
		b.parsed[file] = parsed
	}
	return parsed, nil
}

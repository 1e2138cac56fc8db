package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// place is where a function stands: its file, and the bytes from its first to behind its last one.
type place struct {
	file     string
	from, to int
}

// functions are the functions of the program by their names, of which each has two: with its package's in front, and
// without. Several can share one.
type functions map[string][]place

// findFunctions reads the functions of what the simulation plays from its sources.
func findFunctions() (functions, error) {
	found := functions{}
	for _, folder := range []string{"controllers", "internal", "pkg"} {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			return found.read(path)
		})
		if err != nil {
			return nil, fmt.Errorf("read the functions in %s: %w", folder, err)
		}
	}
	return found, nil
}

// read adds the functions of a file.
func (all functions) read(path string) error {
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, declared := range file.Decls {
		function, ok := declared.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := function.Name.Name
		if function.Recv != nil {
			name = typeName(function.Recv.List[0].Type) + "." + name
		}
		at := place{path, fset.Position(function.Pos()).Offset, fset.Position(function.End()).Offset}
		for _, name := range []string{name, file.Name.Name + "." + name} {
			all[name] = append(all[name], at)
		}
	}
	return nil
}

// typeName is the name of a method's receiver: T for T, *T, T[K] and *T[K, V].
func typeName(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.IndexListExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// change returns the sources of the changed files by path, and those of no others.
func (all functions) change(edits []edit) (map[string]string, error) {
	type change struct {
		edit

		at int // in the original
	}
	byFile := map[string][]change{}
	for _, e := range edits {
		places := all[e.function]
		if len(places) != 1 {
			return nil, fmt.Errorf("%d functions, and not one, have the name %s: bring the list of mutants up to date",
				len(places), e.function)
		}
		p := places[0]
		source, err := os.ReadFile(p.file)
		if err != nil {
			return nil, fmt.Errorf("read what is to be changed: %w", err)
		}
		text := string(source[p.from:p.to])
		if n := strings.Count(text, e.from); n != 1 {
			return nil, fmt.Errorf("%s in %s has %d times, and not once, the text %q: bring the list of mutants up to date",
				e.function, p.file, n, e.from)
		}
		byFile[p.file] = append(byFile[p.file], change{e, p.from + strings.Index(text, e.from)})
	}
	changed := map[string]string{}
	for file, changes := range byFile {
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read what is to be changed: %w", err)
		}
		text := string(source)
		// From the last to the first, so that each is still where it was.
		slices.SortFunc(changes, func(a, b change) int { return b.at - a.at })
		for _, c := range changes {
			text = text[:c.at] + c.to + text[c.at+len(c.from):]
		}
		changed[file] = text
	}
	return changed, nil
}

package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// What finds the commands that a document gives: between backticks in a text, and at the beginning of a line of a code
// block. In the runbook the command is called sc.
var (
	inText = regexp.MustCompile("`(?:session-controller|sc) ([a-z-]+(?: [^`|;#&]*)?)`")
	inCode = regexp.MustCompile(`(?m)^ *(?:session-controller|sc) ([a-z-]+(?: [^\n|;#&]*)?)`)
)

// commandsIn returns them without the command's own name.
func commandsIn(text string) []string {
	var found []string
	for i, part := range strings.Split(text, "```") {
		find := inText
		if i%2 == 1 {
			find = inCode
		}
		for _, m := range find.FindAllStringSubmatch(part, -1) {
			found = append(found, m[1])
		}
	}
	return found
}

// TestEveryCommandInTheDocumentsCanBeGiven looks for commands and flags that there are not: who follows a document at
// night has no time to find out.
func TestEveryCommandInTheDocumentsCanBeGiven(t *testing.T) {
	t.Parallel()
	found := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md", "config/*/*"} {
		paths, err := filepath.Glob(filepath.Join("..", "..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "CHANGELOG.md") {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, given := range commandsIn(string(text)) {
				found++
				if complaint := cannotBeGiven(strings.Fields(given)); complaint != "" {
					t.Errorf("%s: session-controller %s: %s", path, given, complaint)
				}
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d commands were found: look at how", found)
	}
}

func cannotBeGiven(words []string) string {
	root := newRootCommand(io.Discard, io.Discard, usualElection())
	root.InitDefaultCompletionCmd(words...)
	cmd, _, err := root.Find(words[:1])
	if err != nil || cmd == root {
		return "there is no such command"
	}
	for _, word := range words[1:] {
		name, isFlag := strings.CutPrefix(word, "-")
		if !isFlag || name == "" {
			continue
		}
		if !hasFlag(cmd, name) {
			return "it has no flag " + word
		}
	}
	return ""
}

// hasFlag takes what is behind the first dash.
func hasFlag(cmd *cobra.Command, name string) bool {
	cmd.InitDefaultHelpFlag()
	if long, isLong := strings.CutPrefix(name, "-"); isLong {
		long, _, _ = strings.Cut(long, "=")
		return cmd.Flags().Lookup(long) != nil || cmd.InheritedFlags().Lookup(long) != nil
	}
	return cmd.Flags().ShorthandLookup(name[:1]) != nil
}

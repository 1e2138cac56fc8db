package main

import (
	"io"
	"os"

	"github.com/session-controller/session-controller/controllers"
)

// paint colours words for a person at a terminal. The zero value colours nothing.
type paint struct{ on bool }

// paintFor colours what goes to a terminal, unless the environment says not to: https://no-color.org
func paintFor(w io.Writer, getenv func(string) string) paint {
	return paint{on: terminalWidth(w) > 0 && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
}

// painter is [paintFor] a command's output.
func (a *app) painter() paint { return paintFor(a.stdout, os.Getenv) }

// SGR codes of ECMA-48, section 8.3.117.
const (
	plainColour = ""
	bold        = "1"
	dim         = "2"
	red         = "31"
	green       = "32"
	yellow      = "33"
)

// in returns text in a colour.
func (p paint) in(colour, text string) string {
	if !p.on || colour == plainColour || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// lines returns what colours the lines of a table, each in its tone.
func (p paint) lines(tones []string) func(line int, text string) string {
	return func(line int, text string) string { return p.in(tones[line], text) }
}

// tone is the colour of what was decided: what is done now, what waits, what is only told, what is not known.
func tone(v controllers.Verdict, err error) string {
	switch {
	case err != nil, v.Due():
		return red
	case v.Drift(), v.HeldBack():
		return yellow
	}
	return dim
}

package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/session-controller/session-controller/controllers"
)

// progressLine shows one line that is written over, on a terminal only.
type progressLine struct {
	w     io.Writer
	width int
}

func newProgressLine(w io.Writer) *progressLine {
	if terminalWidth(w) == 0 {
		w = io.Discard
	}
	return &progressLine{w: w}
}

// show writes the line over what it said before.
func (p *progressLine) show(s controllers.Progress) {
	text := fmt.Sprintf("%d of %d sessions settled, %d waiting", s.Settled, s.Found, s.Waiting)
	_, _ = fmt.Fprintf(p.w, "\r%s%s", text, strings.Repeat(" ", max(0, p.width-len(text))))
	p.width = len(text)
}

// clear takes the line away.
func (p *progressLine) clear() {
	_, _ = fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.width))
}

// usualWidth is assumed of a terminal that does not say how wide it is.
const usualWidth = 80

// terminalWidth is the number of columns of the terminal behind w, or 0 when there is none.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return usualWidth
	}
	return width
}

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"github.com/session-controller/session-controller/controllers"
)

// progressLine shows one line that is written over, on a terminal only, and lets log lines through above it.
type progressLine struct {
	w        io.Writer
	terminal bool

	mu   sync.Mutex
	text string
}

func newProgressLine(w io.Writer) *progressLine {
	return &progressLine{w: w, terminal: terminalWidth(w) > 0}
}

// show writes the line over what it said before.
func (p *progressLine) show(s controllers.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw(fmt.Sprintf("%d of %d settled, %d waiting", s.Settled, s.Found, s.Waiting))
}

// clear takes the line away.
func (p *progressLine) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw("")
}

// Write writes a log line where the progress was, which moves down.
func (p *progressLine) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.text
	p.draw("")
	n, err := p.w.Write(line)
	p.draw(text)
	return n, err //nolint:wrapcheck // it is the writer below that speaks
}

// draw replaces what is on the line. p.mu is held.
func (p *progressLine) draw(text string) {
	if !p.terminal || text == p.text {
		return
	}
	_, _ = fmt.Fprintf(p.w, "\r%s\r%s", strings.Repeat(" ", len(p.text)), text)
	p.text = text
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

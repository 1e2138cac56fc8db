package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

const (
	columns = 7
	// The session and the claim, or the container's name, give way when the terminal is narrow.
	sessionColumn = 0
	claimColumn   = 2
	// columnGap is the room between two columns, narrowest what is left of one that gives way.
	columnGap = 2
	narrowest = 8
	// foreignShown is how many foreign claims are listed: one wrong setting makes all of them foreign.
	foreignShown = 10
)

type planRow [columns]string

func planColumns() planRow {
	return planRow{"SESSION", "STATUS", "CLAIM", "CONTAINER", "REASON", "ACTION", "WHEN"}
}

func containerColumns() planRow {
	return planRow{"SESSION", "STATUS", "NAME", "CONTAINER", "REASON", "ACTION", "WHEN"}
}

// writePlanTable prints the plan so that it fits width columns; 0 means as wide as it is.
func writePlanTable(w io.Writer, p controllers.Plan, width int, colours paint) error {
	var b strings.Builder
	if p.Pause.Active() {
		fmt.Fprintf(&b, "Paused until %s by %s (%s): nothing is done before.\n\n", p.Pause.Until.Format(time.RFC3339),
			plain(p.Pause.By), plain(p.Pause.Reason))
	}
	if len(p.Sessions)+len(p.Containers) == 0 {
		fmt.Fprintf(&b, "No drift: %d sessions claim something, %d of them healthy; %d containers on the engine.\n",
			p.Sweep.Rows, p.Sweep.Healthy, p.Sweep.Containers)
	}
	rows := make([]planRow, 0, len(p.Sessions))
	tones := []string{bold}
	for _, o := range p.Sessions {
		rows, tones = append(rows, tableRow(o)), append(tones, tone(o.Verdict, o.Err))
	}
	writeRows(&b, planColumns(), rows, width, colours.lines(tones))
	if len(p.Containers) > 0 {
		if len(rows) > 0 {
			b.WriteString("\n")
		}
		b.WriteString("Containers that no row claims:\n")
		rows, tones = rows[:0], tones[:1]
		for _, o := range p.Containers {
			rows, tones = append(rows, containerRow(o)), append(tones, tone(o.Verdict, o.Err))
		}
		writeRows(&b, containerColumns(), rows, width, colours.lines(tones))
	}
	writeUnknown(&b, p)
	writeForeign(&b, p)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// writeRows prints a table, or nothing where there is no row.
func writeRows(b *strings.Builder, head planRow, rows []planRow, width int, colour func(int, string) string) {
	if len(rows) == 0 {
		return
	}
	rows = append([]planRow{head}, rows...)
	fit(rows, width)
	align(b, rows, colour)
}

// phaseText is the container's state, with the exit code where it has stopped.
func phaseText(c dockerwatch.Observation) string {
	if !c.FinishedAt.IsZero() && !c.Phase.Alive() {
		return fmt.Sprintf("%s (%d)", c.Phase, c.ExitCode)
	}
	return string(c.Phase)
}

func whenText(v controllers.Verdict) string {
	switch {
	case !v.Drift():
		return "-"
	case v.Wait > 0:
		return "in " + roundUp(v.Wait)
	}
	return "now"
}

func containerRow(o controllers.ContainerOutcome) planRow {
	f := o.Facts
	status := "no row"
	if f.SessionFound {
		status = f.Session.Status
	}
	if o.Err != nil {
		status = ""
	}
	name := f.Container.Name
	if name == "" {
		name = f.Container.ID
	}
	row := planRow{
		f.Owner.Session, status, name, phaseText(f.Container), string(o.Verdict.Reason), o.Intent(), whenText(o.Verdict),
	}
	for i := range row {
		row[i] = plain(row[i])
	}
	return row
}

func tableRow(o controllers.SessionOutcome) planRow {
	f := o.Facts
	claim := f.Row.Claim
	if claim == f.Container.ID && len(claim) > 12 {
		claim = claim[:12] // as docker prints it
	}
	row := planRow{
		f.Row.ID, f.Row.Status, claim, phaseText(f.Container), string(o.Verdict.Reason), o.Intent(), whenText(o.Verdict),
	}
	for i := range row {
		row[i] = plain(row[i])
	}
	return row
}

// plain makes a stored value safe for a terminal: one line, no control characters, "-" for nothing.
func plain(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '?'
		}
		return r
	}, s)
}

// fit shortens sessions and claims until the table is as wide as the terminal.
func fit(rows []planRow, width int) {
	if width == 0 {
		return
	}
	var widths [columns]int
	total := columnGap * (columns - 1)
	for i := range columns {
		for _, r := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(r[i]))
		}
		total += widths[i]
	}
	for total > width {
		give := sessionColumn
		if widths[claimColumn] > widths[sessionColumn] {
			give = claimColumn
		}
		if widths[give] <= narrowest {
			break
		}
		widths[give]--
		total--
	}
	for _, i := range []int{sessionColumn, claimColumn} {
		for r := range rows {
			rows[r][i] = shorten(rows[r][i], widths[i])
		}
	}
}

// shorten keeps the beginning of s and marks what is missing.
func shorten(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

// align writes the rows as a table, and colours each line once it is as long as it is.
func align(b *strings.Builder, rows []planRow, colour func(line int, text string) string) {
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 0, columnGap, ' ', 0)
	for _, r := range rows {
		_, _ = fmt.Fprintln(tw, strings.Join(r[:], "\t"))
	}
	_ = tw.Flush() // a strings.Builder takes everything
	for i, line := range strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n") {
		b.WriteString(colour(i, line) + "\n")
	}
}

func writeUnknown(b *strings.Builder, p controllers.Plan) {
	if len(p.Unknown) == 0 {
		return
	}
	b.WriteString("\nStatuses the configuration does not know (their rows are left alone):\n")
	for _, u := range p.Unknown {
		status := fmt.Sprintf("%q", u.Status)
		if u.Null {
			status = "NULL"
		}
		fmt.Fprintf(b, "  %s: %d rows\n", status, u.Rows)
	}
	b.WriteString("  Name them in database.statuses.live or database.statuses.ended.\n")
}

func writeForeign(b *strings.Builder, p controllers.Plan) {
	if len(p.Foreign) == 0 {
		return
	}
	b.WriteString("\nClaims of containers that are not owned (they are never stopped or removed):\n")
	for i, f := range p.Foreign {
		if i == foreignShown {
			fmt.Fprintf(b, "  and %d more; -o json lists them all\n", len(p.Foreign)-i)
			break
		}
		fmt.Fprintf(b, "  session %s: %s; owned with %s\n", plain(f.Session), plain(f.Container), f.Setting)
	}
}

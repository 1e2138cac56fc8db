package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/session-controller/session-controller/controllers"
)

const (
	columns = 7
	// The session and the claim give way when the terminal is narrow.
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

// writePlanTable prints the plan so that it fits width columns; 0 means as wide as it is.
func writePlanTable(w io.Writer, p controllers.Plan, width int) error {
	var b strings.Builder
	if len(p.Items) == 0 {
		fmt.Fprintf(&b, "No drift: %d sessions claim something, %d of them healthy; %d containers on the engine.\n",
			p.Sweep.Rows, p.Sweep.Healthy, p.Sweep.Containers)
	} else {
		rows := make([]planRow, 1, 1+len(p.Items))
		rows[0] = planColumns()
		for _, o := range p.Items {
			rows = append(rows, tableRow(o))
		}
		fit(rows, width)
		align(&b, rows)
	}
	writeUnknown(&b, p)
	writeForeign(&b, p)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

func tableRow(o controllers.Outcome) planRow {
	f := o.Facts
	phase := string(f.Container.Phase)
	if code := f.Container.ExitCode; !f.Container.FinishedAt.IsZero() && !f.Container.Phase.Alive() {
		phase = fmt.Sprintf("%s (%d)", phase, code)
	}
	when := "now"
	switch {
	case !o.Verdict.Drift():
		when = "-"
	case o.Verdict.Wait > 0:
		when = "in " + roundUp(o.Verdict.Wait)
	}
	claim := f.Row.Claim
	if claim == f.Container.ID && len(claim) > 12 {
		claim = claim[:12] // as docker prints it
	}
	row := planRow{f.Row.ID, f.Row.Status, claim, phase, string(o.Verdict.Reason), o.Intent(), when}
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

func align(b *strings.Builder, rows []planRow) {
	tw := tabwriter.NewWriter(b, 0, 0, columnGap, ' ', 0)
	for _, r := range rows {
		_, _ = fmt.Fprintln(tw, strings.Join(r[:], "\t"))
	}
	_ = tw.Flush() // a strings.Builder takes everything
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

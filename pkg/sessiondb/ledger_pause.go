package sessiondb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Pause is an operator's word that nothing is to be changed for a while. The zero value says that there never was one.
type Pause struct {
	// Since and Until are when it was made and when it ends, by this machine's clock: the database's own tells how long
	// ago and how long still, so that machines whose clocks differ agree.
	Since, Until time.Time
	// By is who made it, and Reason why; both are the operator's words.
	By, Reason string
	// Made tells one pause from another; its end has the same, and a later one a greater value where the database's clock
	// was not put back. It is that clock in milliseconds since 1970 when the pause was made, and 0 where there is no
	// record.
	Made int64
}

// Active reports whether the pause is not over.
func (p Pause) Active() bool { return time.Now().Before(p.Until) }

// Paused returns the last pause of this node's rows, which may be over; the zero value when there never was one. The
// end of a pause leaves a record, so that a database which was restored to before the pause is not taken for an
// operator's word that it is over. Errors: ErrNoLedger when the tables are there no more, ErrUnreachable, or the
// context's own.
func (l *Ledger) Paused(ctx context.Context) (Pause, error) {
	const operation = "read whether the controller is paused"
	deadline, cancel := context.WithTimeout(ctx, l.store.timing.Read)
	defer cancel()
	var row struct {
		By     string `db:"who"`
		Reason string `db:"reason"`
		Made   int64  `db:"since"`
		Age    int64  `db:"age"`
		Left   int64  `db:"remaining"`
	}
	now := l.now()
	asked := time.Now() // the database's clock is that of the statement's beginning
	err := l.db.GetContext(deadline, &row, l.sql(
		"SELECT who, reason, since, CAST("+now+" - since AS bigint) AS age, "+
			"CAST(until - "+now+" AS bigint) AS remaining FROM "+
			l.place+pauseTable+" WHERE sessions_table = $1 AND node = $2"), l.table, l.node)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Pause{}, nil
	case err != nil:
		return Pause{}, l.explain(ctx, operation, err)
	}
	return Pause{
		Since: asked.Add(-time.Duration(max(0, row.Age)) * time.Millisecond),
		Until: asked.Add(time.Duration(row.Left) * time.Millisecond),
		By:    row.By, Reason: row.Reason, Made: row.Made,
	}, nil
}

// SetPause pauses this node's rows for so long from now. A pause that lasts becomes longer or shorter and stays the
// same one; else this is a new one. Errors: ErrNoLedger when the tables are there no more, ErrUnreachable, or the
// context's own.
func (l *Ledger) SetPause(ctx context.Context, lasts time.Duration, by, reason string) error {
	return l.setPause(ctx, "pause the controller", lasts, by, reason)
}

// Resume ends a pause of this node's rows, and writes down that it is over. Where none lasts that is no error, and is
// written down as the end of a pause that the database does not know. Errors: ErrNoLedger when the tables are there no
// more, ErrUnreachable, or the context's own.
func (l *Ledger) Resume(ctx context.Context) error {
	return l.setPause(ctx, "resume the controller", 0, "", "")
}

func (l *Ledger) setPause(ctx context.Context, operation string, lasts time.Duration, by, reason string) error {
	now := l.now()
	return l.exec(ctx, operation,
		"INSERT INTO "+l.place+pauseTable+" (sessions_table, node, since, until, who, reason) VALUES ($1, $2, "+now+", "+
			now+" + "+strconv.FormatInt(lasts.Milliseconds(), 10)+", $3, $4) ON CONFLICT (sessions_table, node) DO UPDATE "+
			"SET since = CASE WHEN "+pauseTable+".until > "+now+" THEN "+pauseTable+".since "+
			"WHEN "+pauseTable+".since = excluded.since THEN excluded.since + 1 ELSE excluded.since END, "+
			"until = excluded.until, who = excluded.who, reason = excluded.reason",
		l.table, l.node, by, reason)
}

func (l *Ledger) exec(ctx context.Context, operation, query string, args ...any) error {
	deadline, cancel := context.WithTimeout(ctx, l.store.timing.Write)
	defer cancel()
	if _, err := l.db.ExecContext(deadline, l.sql(query), args...); err != nil {
		return l.explain(ctx, operation, fmt.Errorf("write to the controller's own tables: %w", err))
	}
	return nil
}

// now is the database's clock in milliseconds since 1970.
func (l *Ledger) now() string {
	return "CAST(" + l.store.backend.dialect().now(TimeFormatUnixMilli, column{}) + " AS bigint)"
}

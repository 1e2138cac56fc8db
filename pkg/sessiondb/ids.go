package sessiondb

import (
	"context"
	"regexp"
	"unicode/utf8"
)

// ReusableIDs reports whether an id may be given to another session later: numbers are, after a restore or by a
// sequence that was reset. What is text or a uuid is taken to be given once.
func (s *Store) ReusableIDs() bool { return s.table.column(s.config.Columns.ID).counts() }

// numeric are types whose values are given one after another. SQLite takes a column that is declared as UUID for a
// number, too.
var numeric = regexp.MustCompile(`(?i)int|serial|numeric|decimal`)

func (c column) counts() bool { return c.class == classNumber && numeric.MatchString(c.typ) }

// whole is how a database spells a whole number. How great it may be is for the type to say: numeric has no end.
var whole = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// misread reports whether the row that was found for an id is another session's: a column of numbers reads what it is
// asked for as a number. SQLite does so in columns that are declared as STRING, UUID or DATE.
func (s *Store) misread(id string, found Row) bool {
	return found.ID != id && s.table.column(s.config.Columns.ID).class == classNumber
}

// impossible reports whether no row can have this id though the database would not say so: it reads " 1", "01" and
// "1.0" as the number 1, which is another session's.
func (s *Store) impossible(id string) bool {
	c := s.table.column(s.config.Columns.ID)
	if c.counts() {
		return !whole.MatchString(id)
	}
	return c.maxLen > 0 && utf8.RuneCountInString(id) > c.maxLen
}

// Serves reports whether a row is of the node whose rows are served. Without a node that is every row; with one it is
// never a row whose node is NULL.
func (s *Store) Serves(row Row) bool {
	return s.config.Columns.Node == "" || (!row.NodeNull && row.Node == s.config.Node)
}

// HasRows reports whether the table has any row at all, of whatever node and status. Errors: ErrUnreachable, or the
// context's own.
func (s *Store) HasRows(ctx context.Context) (bool, error) {
	const operation = "look whether there is any session"
	deadline, cancel := context.WithTimeout(ctx, s.timing.Read)
	defer cancel()
	var has bool
	if err := s.read.QueryRowContext(deadline, s.sql.hasRows).Scan(&has); err != nil {
		return false, s.explain(ctx, operation, err)
	}
	return has, nil
}

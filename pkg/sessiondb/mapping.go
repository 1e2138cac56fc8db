package sessiondb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// typeClass sorts column types as far as the mapping needs to know.
type typeClass int

const (
	classOther typeClass = iota
	classText
	classNumber
	classTime
	classEnum
)

// column is one column of the real table.
type column struct {
	name    string
	typ     string // as the database writes it
	class   typeClass
	notNull bool
	maxLen  int      // characters that fit; 0 is no limit
	values  []string // of an enum
	zoned   bool     // a time that knows its zone
	noRead  bool     // this role may not SELECT it
	noWrite bool     // this role may not UPDATE it
}

// table is the sessions table as it really is.
type table struct {
	found   bool
	quoted  string // for statements, with its schema
	shown   string // for people
	where   string // where it was looked for
	others  []string
	columns []column
	unique  []string // columns with a unique index of their own
	view    bool     // indexes cannot be seen
	fixed   string   // why it cannot be updated; empty when it can
	role    string   // whose privileges were looked at; empty where there are none
	same    func(a, b string) bool
	rowid   string // SQLite: how the rowid can be addressed; empty when it cannot
	oid     int64  // PostgreSQL

	partitioned bool // PostgreSQL: some statements know no partitioned tables
}

// column returns the column of that name, or a zero column.
func (t table) column(name string) column {
	for _, c := range t.columns {
		if t.same(c.name, name) {
			return c
		}
	}
	return column{}
}

// fullID is the length of a full container id, which a failed session is pinned to.
const fullID = 64

// judge compares the mapping with the real table: nil when every statement of this package will fit. It is pure.
func judge(cfg Config, t table) error {
	if !t.found {
		return fmt.Errorf(
			"there is no table %s in %s: %s. Set database.table, or create the reference table with "+
				"`session-controller migrate --sessions-table`",
			cfg.Table,
			t.where,
			listed("the tables there are", t.others),
		)
	}
	var missing []string
	for _, name := range mapped(cfg) {
		if t.column(name).name == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		names := make([]string, len(t.columns))
		for i, c := range t.columns {
			names[i] = c.name
		}
		return fmt.Errorf("table %s has no column %s: %s. Set database.columns to the names in the table",
			t.shown, strings.Join(missing, ", "), listed("its columns are", names))
	}
	return errors.Join(judgeTwice(cfg, t), judgeKind(cfg, t), judgeTypes(cfg, t), judgePrivileges(cfg, t))
}

// judgeTwice finds two names that are one column for the database, as id and ID are for SQLite. That two names are
// equal has been seen before.
func judgeTwice(cfg Config, t table) error {
	names := mapped(cfg)
	for i, name := range names {
		for _, other := range names[:i] {
			if t.same(name, other) {
				return fmt.Errorf("database.columns names one column of table %s twice, as %s and as %s: each needs a column "+
					"of its own", t.shown, other, name)
			}
		}
	}
	return nil
}

func mapped(cfg Config) []string {
	names := read(cfg)
	for _, name := range written(cfg) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// read are the columns that are read, written those that are written: the status and the claim are both.
func read(cfg Config) []string {
	return given(cfg.Columns.ID, cfg.Columns.Status, cfg.Columns.ContainerID, cfg.Columns.CreatedAt, cfg.Columns.Node)
}

func written(cfg Config) []string {
	return given(cfg.Columns.Status, cfg.Columns.ContainerID, cfg.Columns.UpdatedAt, cfg.Columns.Reason)
}

func given(names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

func judgeKind(cfg Config, t table) error {
	if t.fixed != "" {
		return fmt.Errorf("%s %s: map a table whose rows can be updated", t.shown, t.fixed)
	}
	if t.view || slices.ContainsFunc(t.unique, func(name string) bool { return t.same(name, cfg.Columns.ID) }) {
		return nil
	}
	return fmt.Errorf(
		"column %s of table %s has no primary key or unique index of its own: one write could hit several "+
			"sessions. Create one (CREATE UNIQUE INDEX), or set database.columns.id to the column that has it",
		cfg.Columns.ID,
		t.shown,
	)
}

func judgeTypes(cfg Config, t table) error {
	var errs []error
	refuse := func(c column, format string, args ...any) {
		errs = append(
			errs,
			fmt.Errorf("column %s of table %s is %s: %s", c.name, t.shown, c.typ, fmt.Sprintf(format, args...)),
		)
	}
	claim, status := t.column(cfg.Columns.ContainerID), t.column(cfg.Columns.Status)
	switch {
	case claim.class != classText:
		refuse(claim, "a claim is a container id or name and needs a text type")
	case claim.maxLen > 0 && claim.maxLen < fullID:
		refuse(claim, "a full container id has %d characters and does not fit, make the column wider", fullID)
	}
	switch {
	case status.class == classEnum && !slices.Contains(status.values, cfg.Statuses.Error):
		refuse(
			status,
			"its values are %s, and database.statuses.error %q is not among them",
			strings.Join(status.values, ", "),
			cfg.Statuses.Error,
		)
	case status.class == classText && status.maxLen > 0 && len([]rune(cfg.Statuses.Error)) > status.maxLen:
		refuse(status, "database.statuses.error %q does not fit", cfg.Statuses.Error)
	}
	if id := t.column(cfg.Columns.ID); t.rowid != "" && id.class == classOther {
		// SQLite compares without looking at the text in such a column, so an id in its text form would not be found.
		refuse(id, "declare it as TEXT or INTEGER, in any other type a session cannot be found by the text of its id")
	}
	judgeOptional(cfg, t, refuse)
	return errors.Join(errs...)
}

// judgeOptional judges the columns that need not be mapped.
func judgeOptional(cfg Config, t table, refuse func(c column, format string, args ...any)) {
	if c := t.column(cfg.Columns.Reason); cfg.Columns.Reason != "" && c.class != classText {
		refuse(c, "a reason is a sentence and needs a text type")
	}
	if c := t.column(cfg.Columns.Node); cfg.Columns.Node != "" && c.class != classText {
		refuse(c, "a node is a name and needs a text type")
	}
	for _, name := range given(cfg.Columns.UpdatedAt, cfg.Columns.CreatedAt) {
		c := t.column(name)
		if why := timeMisfit(cfg.TimeFormat, c, t.role != ""); why != "" {
			refuse(c, "database.timeFormat %s %s", cfg.TimeFormat, why)
		}
	}
}

// timeMisfit says why a time format does not fit a column. SQLite (strict is false) stores anything anywhere.
func timeMisfit(format string, c column, strict bool) string {
	switch {
	case !strict:
		return ""
	case format == TimeFormatTimestamp && c.class != classTime:
		return "needs timestamp or timestamptz (set unix or unixMilli for a number)"
	case format != TimeFormatTimestamp && c.class != classNumber:
		return "needs a number (set timestamp for a date and time)"
	case format == TimeFormatUnixMilli && (c.typ == "integer" || c.typ == "smallint"):
		return "does not fit, it needs bigint"
	}
	return ""
}

func judgePrivileges(cfg Config, t table) error {
	var unread, unwritten []string
	for _, name := range read(cfg) {
		if t.column(name).noRead {
			unread = append(unread, t.quoteFor(name))
		}
	}
	for _, name := range written(cfg) {
		if t.column(name).noWrite {
			unwritten = append(unwritten, t.quoteFor(name))
		}
	}
	var grants []string
	if len(unread) > 0 {
		grants = append(grants, "SELECT ("+strings.Join(unread, ", ")+")")
	}
	if len(unwritten) > 0 {
		grants = append(grants, "UPDATE ("+strings.Join(unwritten, ", ")+")")
	}
	if len(grants) == 0 {
		return nil
	}
	return fmt.Errorf("role %s lacks privileges on table %s: an owner must run GRANT %s ON %s TO %s",
		t.role, t.shown, strings.Join(grants, ", "), t.quoted, t.quoteFor(t.role))
}

// quoteFor makes an identifier for a GRANT; only PostgreSQL has any.
func (t table) quoteFor(name string) string { return quotePostgres(name) }

// listed names at most a screenful.
func listed(intro string, names []string) string {
	const most = 20
	switch {
	case len(names) == 0:
		return intro + ": none"
	case len(names) > most:
		return fmt.Sprintf("%s: %s and %d more", intro, strings.Join(names[:most], ", "), len(names)-most)
	}
	return intro + ": " + strings.Join(names, ", ")
}

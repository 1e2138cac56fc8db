package sessiondb

import (
	"regexp"
	"strings"
)

// dialect is how SQL is spelt in one database.
type dialect struct {
	// quote makes an identifier of a name as it is in the database.
	quote func(name string) string
	// text is the text form of a column, whatever its type.
	text func(column string) string
	// param is the n-th argument, from 1.
	param func(n int) string
	// in is true where expression is one of the strings of the argument that list made.
	in func(expression, param string) string
	// list makes one argument of many strings.
	list func(values []string) (any, error)
	// now is the database's clock in a time format, for a column of this type.
	now func(format string, c column) string
	// literal makes a constant of a text.
	literal func(text string) string
	// same is true where two texts are the same, NULL being the same as NULL.
	same func(a, b string) string
	// micros reads a time in a time format as microseconds since 1970; NULL where it is none.
	micros func(format, column string) string
	// remote says that a statement costs a round trip: what is asked for at the same time shares one.
	remote bool
	// pageBy returns the expression that pages are cut by, or "" where rows can be streamed.
	pageBy func(t table, cfg Config) string
}

// statements are built once, when the table is known.
type statements struct {
	get       string // id → row
	gets      string // list of ids → rows; "" where each is read alone
	claiming  string // → rows that claim something; the first page where pages is set
	more      string // key → the next page of claiming; "" where rows are streamed
	ended     string // list of ended statuses → rows that claim something all the same
	claimants string // list → rows
	hasRows   string // → whether there is any row
	unknown   string // list of known statuses → status, count
	setClaim  string // the arguments argID to argNewClaim → the row as stored
	setClaims string // setClaim for several rows: see updateSeveral; "" where each is written alone
	// Those and argNewStatus, and, where there is a column for it or a channel is notified, argMessage; with a channel
	// argReason and argChannel, too → the row as stored, and with a channel one value more.
	fail  string
	fails string // fail for several rows
}

// rebind rewrites $1 to $9 as a dialect has its arguments.
func rebind(query string, d dialect) string {
	return regexp.MustCompile(`\$[1-9]`).ReplaceAllStringFunc(query, func(arg string) string {
		return d.param(int(arg[1] - '0'))
	})
}

// expressions are the mapped columns as the statements have them.
type expressions struct {
	table, id, status, claim, reason string // quoted; reason is "" where it is not mapped
	statusText, claimText, node      string // as Row holds them
	row                              string // what is returned
	touch                            string // the rest of SET, "" where nothing is touched
}

func express(d dialect, t table, cfg Config) expressions {
	const none = "CAST(NULL AS text)"
	e := expressions{
		table: t.quoted, id: d.quote(cfg.Columns.ID), status: d.quote(cfg.Columns.Status),
		claim: d.quote(cfg.Columns.ContainerID), node: none,
	}
	e.statusText, e.claimText = "coalesce("+d.text(e.status)+", '')", "coalesce("+d.text(e.claim)+", '')"
	created := none
	if cfg.Columns.Node != "" {
		e.node = d.text(d.quote(cfg.Columns.Node))
	}
	if cfg.Columns.CreatedAt != "" {
		created = d.micros(cfg.TimeFormat, d.quote(cfg.Columns.CreatedAt))
	}
	if cfg.Columns.Reason != "" {
		e.reason = d.quote(cfg.Columns.Reason)
	}
	if cfg.Columns.UpdatedAt != "" {
		e.touch = ", " + d.quote(cfg.Columns.UpdatedAt) + " = " + d.now(cfg.TimeFormat, t.column(cfg.Columns.UpdatedAt))
	}
	e.row = strings.Join([]string{d.text(e.id), e.statusText, e.claimText, e.node, created}, ", ")
	return e
}

// build puts the statements together.
//
// A claim and a status are compared in their text form with NULL read as empty, because that is what Row holds: the
// lookup by the bare id uses its index, and the rest is a filter on the one row found. The comparison with the id
// leaves its parameter untyped, so that it takes the column's own type: uuid, integer or text.
func build(d dialect, t table, cfg Config) statements {
	e := express(d, t, cfg)
	from := " FROM " + e.table + " WHERE "
	// Greater than empty is neither NULL nor empty, and unlike "<> ''" it is a range of an index on the claim.
	claiming := e.claim + " > '' AND " + e.id + " IS NOT NULL"
	if cfg.Columns.Node != "" {
		claiming += " AND " + d.quote(cfg.Columns.Node) + " = " + d.literal(cfg.Node)
	}
	s := statements{
		get:       "SELECT " + e.row + from + e.id + " = " + d.param(1),
		claiming:  "SELECT " + e.row + from + claiming,
		ended:     "SELECT " + e.row + from + claiming + " AND " + d.in(d.text(e.status), d.param(1)),
		claimants: "SELECT " + e.row + from + d.in(e.claim, d.param(1)) + " AND " + e.id + " IS NOT NULL",
		unknown: "SELECT " + d.text(e.status) + ", count(*)" + from +
			e.status + " IS NULL OR NOT (" + d.in(d.text(e.status), d.param(1)) + ") GROUP BY " + d.text(e.status),
		hasRows:  "SELECT EXISTS (SELECT 1 FROM " + e.table + ")",
		setClaim: updateOne(d, e, claims),
	}
	if d.remote {
		s.gets = "SELECT " + e.row + from + d.in(e.id, d.param(1))
		s.setClaims = updateSeveral(d, e, claims)
	}
	switch {
	case cfg.NotifyChannel != "": // PostgreSQL only
		s.fail, s.fails = addNotify(d, updateOne(d, e, withNotify)), addNotify(d, updateSeveral(d, e, withNotify))
	case d.remote:
		s.fail, s.fails = updateOne(d, e, fails), updateSeveral(d, e, fails)
	default:
		s.fail = updateOne(d, e, fails)
	}
	if key := d.pageBy(t, cfg); key != "" {
		page := "SELECT " + e.row + ", " + key + from + claiming
		order := " ORDER BY " + key + " LIMIT "
		s.claiming = page + order + d.param(1)
		s.more = page + " AND " + key + " > " + d.param(2) + order + d.param(1)
	}
	return s
}

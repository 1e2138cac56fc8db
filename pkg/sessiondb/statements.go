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
	// pageBy returns the expression that pages are cut by, or "" where rows can be streamed.
	pageBy func(t table, cfg Config) string
}

// statements are built once, when the table is known.
type statements struct {
	get       string // id → row
	claiming  string // → rows that claim something; the first page where pages is set
	more      string // key → the next page of claiming; "" where rows are streamed
	ended     string // list of ended statuses → rows that claim something all the same
	claimants string // list → rows
	hasRows   string // → whether there is any row
	unknown   string // list of known statuses → status, count
	setClaim  string // the arguments argID to argNewClaim → the row as stored
	fail      string // those and argNewStatus, argMessage where there is a column for it → the row as stored
	tell      string // where a channel is to be notified: fail, with argMessage, argReason and argChannel → and one value
}

// spell rewrites $1 to $9 as a dialect has its arguments.
func spell(query string, d dialect) string {
	return regexp.MustCompile(`\$[1-9]`).ReplaceAllStringFunc(query, func(arg string) string {
		return d.param(int(arg[1] - '0'))
	})
}

// The arguments of the two writes, in their order.
const (
	argID = 1 + iota
	argStatus
	argClaim
	argNode
	argNewClaim
	argNewStatus
	argMessage
	argReason
	argChannel
)

// telling notifies a channel of the row that fail hit, in its transaction and so only if it is committed. A payload
// must be shorter than 8,000 bytes; an id that leaves no room for that is not told, rather than its session not failed.
func telling(d dialect, fail string) string {
	text := func(n int) string { return "CAST(" + d.param(n) + " AS text)" }
	return "WITH failed (id, status, claim, node, created) AS (" + fail + "), " +
		"told AS (SELECT id, status, claim, node, created, " +
		"json_build_object('session', id, 'status', status, 'reason', " + text(argReason) +
		", 'message', " + text(argMessage) + ")::text AS payload FROM failed) " +
		"SELECT id, status, claim, node, created, CASE WHEN octet_length(payload) < 8000 " +
		"THEN pg_catalog.pg_notify(" + text(argChannel) + ", payload)::text END FROM told"
}

// build puts the statements together.
//
// A claim and a status are compared in their text form with NULL read as empty, because that is what Row holds: the
// lookup by the bare id uses its index, and the rest is a filter on the one row found. The comparison with the id
// leaves its parameter untyped, so that it takes the column's own type: uuid, integer or text.
func build(d dialect, t table, cfg Config) statements {
	id, status, claim := d.quote(cfg.Columns.ID), d.quote(cfg.Columns.Status), d.quote(cfg.Columns.ContainerID)
	statusText, claimText := "coalesce("+d.text(status)+", '')", "coalesce("+d.text(claim)+", '')"
	const none = "CAST(NULL AS text)"
	node, created, own := none, none, ""
	if cfg.Columns.Node != "" {
		node = d.text(d.quote(cfg.Columns.Node))
		own = " AND " + d.quote(cfg.Columns.Node) + " = " + d.literal(cfg.Node)
	}
	if cfg.Columns.CreatedAt != "" {
		created = d.micros(cfg.TimeFormat, d.quote(cfg.Columns.CreatedAt))
	}
	row := strings.Join([]string{d.text(id), statusText, claimText, node, created}, ", ")

	touch := ""
	if cfg.Columns.UpdatedAt != "" {
		touch = ", " + d.quote(cfg.Columns.UpdatedAt) + " = " + d.now(cfg.TimeFormat, t.column(cfg.Columns.UpdatedAt))
	}
	write := func(set string) string {
		return "UPDATE " + t.quoted + " SET " + claim + " = " + d.param(argNewClaim) + set + touch +
			" WHERE " + id + " = " + d.param(argID) +
			" AND " + statusText + " = " + d.param(argStatus) +
			" AND " + claimText + " = " + d.param(argClaim) +
			" AND " + d.same(node, d.param(argNode)) +
			" RETURNING " + row
	}

	from := " FROM " + t.quoted + " WHERE "
	// Greater than empty is neither NULL nor empty, and unlike "<> ''" it is a range of an index on the claim.
	claims := claim + " > '' AND " + id + " IS NOT NULL" + own
	s := statements{
		get:       "SELECT " + row + from + id + " = " + d.param(1),
		claiming:  "SELECT " + row + from + claims,
		ended:     "SELECT " + row + from + claims + " AND " + d.in(d.text(status), d.param(1)),
		claimants: "SELECT " + row + from + d.in(claim, d.param(1)) + " AND " + id + " IS NOT NULL",
		unknown: "SELECT " + d.text(status) + ", count(*)" + from +
			status + " IS NULL OR NOT (" + d.in(d.text(status), d.param(1)) + ") GROUP BY " + d.text(status),
		hasRows:  "SELECT EXISTS (SELECT 1 FROM " + t.quoted + ")",
		setClaim: write(""),
	}
	failed := ", " + status + " = " + d.param(argNewStatus)
	if cfg.Columns.Reason != "" {
		failed += ", " + d.quote(cfg.Columns.Reason) + " = " + d.param(argMessage)
	}
	s.fail = write(failed)
	if cfg.NotifyChannel != "" {
		s.tell = telling(d, s.fail)
	}
	if key := d.pageBy(t, cfg); key != "" {
		page := "SELECT " + row + ", " + key + from + claims
		order := " ORDER BY " + key + " LIMIT "
		s.claiming = page + order + d.param(1)
		s.more = page + " AND " + key + " > " + d.param(2) + order + d.param(1)
	}
	return s
}

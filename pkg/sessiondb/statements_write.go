package sessiondb

import (
	"strconv"
	"strings"
)

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

// addNotify makes of a fail one that notifies a channel of the rows that it hit, in its transaction and so only if it
// is committed. A payload must be shorter than 8,000 bytes; an id that leaves no room for that is not notified, and its
// session is failed all the same. fail returns message and reason behind the row: see update.
func addNotify(d dialect, fail string) string {
	return "WITH failed (id, status, claim, node, created, message, reason) AS (" + fail + "), " +
		"told AS (SELECT id, status, claim, node, created, " +
		"json_build_object('session', id, 'status', status, 'reason', reason, 'message', message)::text AS payload " +
		"FROM failed) " +
		"SELECT id, status, claim, node, created, CASE WHEN octet_length(payload) < 8000 " +
		"THEN pg_catalog.pg_notify(CAST(" + d.param(argChannel) + " AS text), payload)::text END FROM told"
}

// kind is what a compare-and-set does beside setting the claim.
type kind int

const (
	claims     kind = iota // nothing else
	fails                  // it fails the session
	withNotify             // it does that, and returns what is to be told of it
)

// update is a compare-and-set. arg is how the n-th argument is spelt, from and which say what rows are meant.
func update(d dialect, e expressions, k kind, arg func(n int) string, from, which string) string {
	set, returns := " SET "+e.claim+" = "+arg(argNewClaim), e.row
	if k != claims {
		set += ", " + e.status + " = " + d.param(argNewStatus)
	}
	if k != claims && e.reason != "" {
		set += ", " + e.reason + " = " + arg(argMessage)
	}
	if k == withNotify {
		returns += ", CAST(" + arg(argMessage) + " AS text), CAST(" + arg(argReason) + " AS text)"
	}
	return "UPDATE " + e.table + set + e.touch + from +
		" WHERE " + which +
		" AND " + e.statusText + " = " + arg(argStatus) +
		" AND " + e.claimText + " = " + arg(argClaim) +
		" AND " + d.same(e.node, arg(argNode)) +
		" RETURNING " + returns
}

// updateOne is the compare-and-set of one row.
func updateOne(d dialect, e expressions, k kind) string {
	return update(d, e, k, d.param, "", e.id+" = "+d.param(argID))
}

// updateSeveral is the compare-and-set of several rows, each compared with what was read of it. In place of what is not
// the same for all there are lists, and the ids are given once more at the end: as the column's own type, for its
// index.
//
// It leaves out a row that another transaction has locked: it would hold up all others, and two that wait for each
// other's rows would be a deadlock. What it takes is locked first and read as it is then, so it cannot change under the
// comparison.
func updateSeveral(d dialect, e expressions, k kind) string {
	asked := func(n int) string { return d.quote("session-controller " + strconv.Itoa(n)) }
	lists, last := []int{argID, argStatus, argClaim, argNode, argNewClaim}, argNewClaim
	switch {
	case k == withNotify:
		lists, last = append(lists, argMessage, argReason), argChannel
	case k == fails && e.reason != "":
		lists, last = append(lists, argMessage), argMessage
	case k == fails:
		last = argNewStatus
	}
	arrays, names := make([]string, 0, len(lists)), make([]string, 0, len(lists))
	for _, n := range lists {
		arrays, names = append(arrays, "CAST("+d.param(n)+" AS text[])"), append(names, asked(n))
	}
	from := " FROM unnest(" + strings.Join(arrays, ", ") + ") AS asked (" + strings.Join(names, ", ") + ")"
	these := d.in(e.id, d.param(last+1))
	return update(d, e, k, asked, from, d.text(e.id)+" = "+asked(argID)+" AND "+these+
		" AND "+e.id+" IN (SELECT "+e.id+" FROM "+e.table+" WHERE "+these+" FOR UPDATE SKIP LOCKED)")
}

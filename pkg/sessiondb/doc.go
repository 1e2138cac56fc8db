// Package sessiondb is the sessions table: it maps the user's own table and columns, reads and streams rows, and writes
// them back by compare-and-set.
//
// Every write names everything that was read (id, status as read, claim as read, node) and hits either that one row or
// none: a row that has changed meanwhile is never overwritten, the write returns [ErrConflict] and the caller looks
// again. Nothing in this package ever creates anything in a database except [CreateSessionsTable] and [Migrate], which
// are called by a person.
//
// PostgreSQL (lib/pq) and SQLite (modernc.org/sqlite) stand behind one [Store]. This is the only package that imports
// sqlx, lib/pq and the SQLite driver. It knows nothing of Docker or of controller-runtime.
package sessiondb

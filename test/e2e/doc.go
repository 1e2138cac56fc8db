// Package e2e runs the controller against a real Docker Engine and real databases, PostgreSQL and SQLite: every row of
// the first table of docs/how-it-works.md, every boundary between two effects, and the ways in which somebody moves
// first.
//
// It holds tests only.
package e2e

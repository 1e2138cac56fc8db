// Package verdict decides what is to be done about one session or one container that no row claims.
//
// [DecideSession] and [DecideContainer] are the two tables of docs/how-it-works.md as pure functions: the same facts
// and the same policy give the same verdict. The package reads no clock, takes no lock, logs nothing and calls neither
// the engine nor the database, so that a verdict can be decided again from facts that were written down.
package verdict

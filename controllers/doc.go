// Package controllers keeps the rows of a sessions table and the containers behind them in agreement.
//
// Data flows one way: trigger → key → fresh looks → verdict → effects in order. A trigger (the sweep, an engine event)
// only names a session; [Decide] is a pure function of looks that were taken for this decision; every effect is one
// compare-and-set or one call on a full container id, after which everything is looked at again.
//
// Nothing here is decided on an error, nothing is remembered that a crash could lose (only when something was first
// seen), and nothing knows SQL or the Docker client.
package controllers

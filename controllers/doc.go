// Package controllers keeps the rows of a sessions table and the containers behind them in agreement.
//
// Data flows one way: trigger → queue → look → decide → apply → look again. A trigger (a sweep, an event of the engine,
// a change of a row) only names a session or a container. Package evidence takes fresh looks for this one decision,
// package verdict decides, as a pure function of them, and package apply carries out one effect, after which everything
// is looked at again; reconciler.converge is that loop. An effect is one compare-and-set on a row or one call on a full
// container id. Only a removal is two: when the engine has removed the container, the claim on it is cleared.
//
// Nothing is decided on an error. Nothing is remembered that a crash could lose, except when something was first seen,
// and losing that only makes a wait begin again. Nothing here knows SQL or the Docker client.
package controllers

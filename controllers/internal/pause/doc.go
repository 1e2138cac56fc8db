// Package pause knows whether an operator has paused the controller. A pause is a record in the database, a read of it
// that is kept for some seconds, and a check before every effect.
package pause

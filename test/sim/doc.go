// Package sim is a simulation of everything that the controller lives with: a session server, one or two Docker
// Engines, the database and one or two controllers, as one random state machine in virtual time.
//
// The controller is the real one: its manager, queues and workers, the Docker client over pipes to the engine of
// test/engine, and a real SQLite database. What is simulated is the world around it: people and servers that create,
// end, respawn and forget sessions, engines that crash, freeze, lie and lose events, a database that goes away, and a
// process that is killed between any two effects.
//
// An observer that shares no code with the controller checks the safety promises (S1–S7) at every write,
// stop and removal; when the faults have ended it checks that everything has converged (L1–L4). In most runs the
// server keeps its side of the contract; in the others it breaks one rule of it, and then only the sessions concerned
// may suffer.
//
// `make test` plays the worlds of testdata/worlds.jsonl, `make test-outages` those of worlds_long.jsonl, and `make sim`
// draws new ones. A run that fails prints its seed, a history in plain words, shrunk to what it takes, and the world as
// a line for the first file. `make sim SEED=…` repeats it.
package sim

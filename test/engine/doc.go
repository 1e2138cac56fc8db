// Package engine is a Docker Engine for tests: it speaks the part of Docker's API that this project uses, over a Unix
// socket or in memory, so that the real client is exercised, and it does on command what a real engine cannot be made
// to do. It runs nothing: a container is an entry in a table, which is why it can hold 100,000 of them.
//
// What it answers where nothing is wrong is what a real engine answers; contract_test.go holds it to one.
//
// All its waits are on the time package, so it can be used in a bubble of testing/synctest.
package engine

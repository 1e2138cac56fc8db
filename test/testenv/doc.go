// Package testenv gives tests the real things: a Docker Engine, containers whose processes end in every possible way, a
// fresh PostgreSQL database, and private engines that a test may kill, stop and freeze.
//
// It never skips. A test that needs what is absent fails, and the message says how to get it. What a test is given is
// its own and is taken away when the test ends, so tests may run in parallel and in any order.
package testenv

// Package rig starts what the programs need that try the built controller from outside: the controller as a process of
// its own, what it says of itself, and a database of the run's own.
package rig

// The variables that name the engine and the PostgreSQL server (a superuser's URL), as for the tests.
const (
	DockerVariable   = "SESSION_CONTROLLER_TEST_DOCKER_HOST"
	PostgresVariable = "SESSION_CONTROLLER_TEST_POSTGRES_URL"
)

// HowToGet says how to come by the engine and the server that the variables name.
const HowToGet = "run it by its make target, or put hack/test-env.sh -- before the command"

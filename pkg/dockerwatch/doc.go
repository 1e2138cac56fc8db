// Package dockerwatch is the Docker Engine: it observes, lists, stops and removes containers and follows their events.
//
// Every call has a deadline. An observation is what one fresh inspect proved; everything else (refused, timeout, 5xx,
// an ambiguous prefix, a 404 that is not Docker's own "No such container") is an error and never an observation, so
// nothing can be mistaken for a container that is gone. Removal is never forced on anything that could run.
//
// This is the only package that imports the Docker client, so that it can be swapped in a day. It knows nothing of
// databases or of controller-runtime and can be used alone to follow a set of containers.
package dockerwatch

// Package metrics counts what the controllers find and do, for Prometheus. It only records: nothing is decided on a
// figure of it.
package metrics

// Package manifests renders and loads what kubectl and docker compose deploy, by libraries of their own, and holds it
// to what SECURITY.md promises. `make test-modules` runs its tests.
package manifests

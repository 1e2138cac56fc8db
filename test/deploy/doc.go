// Package deploy tries what a person deploys: the built binary, the image, the socket proxy, the units, and what
// the documents say of them.
package deploy

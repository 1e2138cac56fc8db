// Package requests carries what the parts of a controller ask of each other without knowing each other.
package requests

// Requests are made first and given to all parts that ask for something. Those of one kind that wait to be taken are
// one request. They are safe for concurrent use, and asking never blocks.
type Requests struct{ sweep, redial chan struct{} }

// New returns requests of which none waits.
func New() *Requests { return &Requests{sweep: make(chan struct{}, 1), redial: make(chan struct{}, 1)} }

// Sweep asks for a sweep soon.
func (r *Requests) Sweep() { ask(r.sweep) }

// Redial asks that the event stream be dialled anew, because its connection may lead to another engine than the address
// does by now.
func (r *Requests) Redial() { ask(r.redial) }

// Sweeps delivers a request for a sweep.
func (r *Requests) Sweeps() <-chan struct{} { return r.sweep }

// Redials delivers a request to dial the event stream anew.
func (r *Requests) Redials() <-chan struct{} { return r.redial }

func ask(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}

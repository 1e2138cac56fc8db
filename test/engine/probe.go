package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// ExecCommand sets the command line of the health probes, which the engine writes into their events, secrets and all.
func (e *Engine) ExecCommand(s string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.execCommand = s
}

// Probe makes so many events as the health probes of the containers that run do: three for each probe. Where none runs
// they are those of a container that nobody knows.
func (e *Engine) Probe(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	probed := []*container{{Container: Container{ID: nobody, Spec: Spec{Name: "nobody"}}}}
	var running []*container
	for _, c := range e.sorted() {
		if c.Status == Running {
			running = append(running, c)
		}
	}
	if len(running) > 0 {
		probed = running
	}
	const stages = 3
	for range n {
		probe, stage := e.probes/stages, e.probes%stages
		e.probes++
		c := probed[probe%len(probed)]
		sum := sha256.Sum256(fmt.Appendf(nil, "%q exec %d", e.salt, probe))
		attributes := map[string]string{"execID": hex.EncodeToString(sum[:])}
		switch stage {
		case 0:
			e.emit(c, "exec_create: "+e.execCommand, attributes)
		case 1:
			e.emit(c, "exec_start: "+e.execCommand, attributes)
		default:
			attributes["exitCode"] = "0"
			e.emit(c, "exec_die", attributes)
		}
	}
}

const nobody = "0000000000000000000000000000000000000000000000000000000000000000"

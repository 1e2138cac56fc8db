package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// sameSignal is how long after the first signal another one counts as the same: a supervisor that signals a process and
// then its whole group (GNU timeout does) sends it twice within microseconds.
const sameSignal = 100 * time.Millisecond

// untilSignalled returns a context that the first SIGTERM or SIGINT ends. A second one calls exit.
func untilSignalled(exit func(code int)) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-signals
		first := time.Now()
		cancel()
		for range signals {
			if time.Since(first) >= sameSignal {
				exit(1)
			}
		}
	}()
	return ctx
}

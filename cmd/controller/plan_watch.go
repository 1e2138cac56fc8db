package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"
)

// watchEvery is the time between two plans. Each costs one list, one query, and two calls for whatever is adrift.
const watchEvery = 2 * time.Second

// clearScreen puts the cursor home and clears what is below it: ECMA-48, CUP and ED.
const clearScreen = "\x1b[H\x1b[J"

// watchPlan makes a plan again and again until it is interrupted, which is its ordinary end. One that fails is told of
// and tried again: the engine or the database may be restarting, and that is what is being watched.
func (a *app) watchPlan(cmd *cobra.Command, r planRequest, interval time.Duration) error {
	ctx := cmd.Context()
	planner, closeAll, err := a.planner(ctx, r.trusting)
	if err != nil {
		return err
	}
	defer closeAll()
	person := r.output == outputTable
	for {
		if person && terminalWidth(a.stdout) > 0 {
			a.printf(clearScreen)
		}
		if person {
			a.printf("%s, every %s\n\n", time.Now().Format(time.DateTime), interval)
		}
		err := a.planOnce(ctx, planner, r)
		if ctx.Err() != nil {
			return nil // Ctrl-C is how a watch ends
		}
		if err != nil && !errors.Is(err, errDrift) {
			printError(a.stderr, err)
		}
		if person {
			a.printf("\n")
		}
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return nil
		}
	}
}

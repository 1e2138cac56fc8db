package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/session-controller/session-controller/controllers"
)

// sweepTimeout is a minute short of the five within which leftovers of a crash must be cleaned up (NFR-003-003).
const sweepTimeout = 4 * time.Minute

func newSweepCommand(a *app) *cobra.Command {
	var timeout time.Duration
	var acceptLeaks bool
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Converge everything once and exit",
		Long: `sweep converges everything once: for init jobs, timers and scripts. It waits for graces that end within
--timeout; drift that is still inside a grace then is printed as pending.

Exit code: 0 nothing else is adrift, 1 error, 2 something due is left (also with --dry-run).`,
		Example: `  session-controller sweep --config /etc/session-controller.yaml
  session-controller sweep --dry-run --log-format console`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if timeout <= 0 {
				return fmt.Errorf("--timeout is %s: give a positive duration", timeout)
			}
			return a.sweepOnce(cmd, timeout, acceptLeaks)
		},
	}
	a.addDryRun(cmd)
	cmd.Flags().DurationVar(&timeout, "timeout", sweepTimeout, "longest time to wait for graces")
	cmd.Flags().BoolVar(&acceptLeaks, "accept-leaks", false,
		"remove leaked containers however many they are; look at plan first")
	return cmd
}

func (a *app) sweepOnce(cmd *cobra.Command, timeout time.Duration, acceptLeaks bool) error {
	bar := newProgressLine(a.stderr)
	cfg, log, conn, err := a.prepare(cmd.Context(), bar, true)
	if err != nil {
		return err
	}
	defer conn.close()
	options := conn.options(cfg, log, nil)
	options.AcceptLeaks = acceptLeaks
	report, err := controllers.SweepOnce(cmd.Context(), options, timeout, bar.show)
	bar.clear()
	if err != nil {
		return err
	}
	if err := cmd.Context().Err(); err != nil {
		return fmt.Errorf("the sweep was interrupted after %d effects, what is left is found by the next one: %w",
			report.Effects, err)
	}
	a.printReport(report)
	switch {
	case len(report.Failed) > 0:
		return fmt.Errorf("%d sessions or containers could not be looked at or changed; run it again, or see "+
			"`session-controller plan`", len(report.Failed))
	case report.Unverified != nil:
		return fmt.Errorf("%d effects were carried out, and what they have left could not be seen: %w; run it again",
			report.Effects, report.Unverified)
	case len(report.Left) > 0:
		return errDrift
	}
	return nil
}

// printReport prints a summary and a line for everything that was not finished.
func (a *app) printReport(r controllers.SweepReport) {
	s := r.Sweep
	a.printf("%d sessions claim something: %d healthy, %d adrift, %d held, %d reported; "+
		"%d containers without a claim; %d effects carried out\n",
		s.Rows, s.Healthy, s.Adrift, s.Held+s.Invalid, s.Taken+s.Foreign, s.Unclaimed, r.Effects)
	line := func(word string, i controllers.Item, more string) {
		a.printf("%s: session %s, container %s, %s, %s%s\n", word, plain(i.Session), plain(i.Container),
			plain(string(i.Verdict.Reason)), i.Intent, more)
	}
	for _, o := range r.Pending {
		line("pending", o, " in "+roundUp(o.Verdict.Wait))
	}
	for _, o := range r.Left {
		line("left", o, "")
	}
	for _, o := range r.Failed {
		line("failed", o, ": "+errorText(o.Err))
	}
}

func errorText(err error) string {
	if err == nil {
		err = errors.New("unknown")
	}
	return err.Error()
}

// roundUp prints a wait in whole seconds: milliseconds would only distract.
func roundUp(d time.Duration) string {
	return (d + time.Second - 1).Truncate(time.Second).String()
}

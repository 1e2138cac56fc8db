package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func newPlanCommand(a *app) *cobra.Command {
	var output string
	var watch bool
	var interval time.Duration
	cmd := &cobra.Command{
		Use:   "plan [SESSION...]",
		Short: "Print what is adrift and what would be done, and change nothing",
		Long: `plan prints every session that disagrees with its container, why, what would be done about it and when;
under it the statuses that the configuration does not know, and claims of containers that are not owned with the one
setting that would own them.

Exit code: 0 no drift, 2 drift, 1 error. What is only reported or held changes no exit code.`,
		Example: `  session-controller plan
  session-controller plan 3f2a8c1e -o json
  session-controller plan --watch`,
		RunE: func(cmd *cobra.Command, sessions []string) error {
			switch {
			case !isOutput(output):
				return errOutput(output)
			case interval < shortestPoll:
				return fmt.Errorf("--interval is %s: give %s or more", interval, shortestPoll)
			case watch:
				return a.watchPlan(cmd, sessions, output, interval)
			}
			return a.plan(cmd, sessions, output)
		},
	}
	addOutput(cmd, &output)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "make it again and again, until Ctrl-C; exit code 0 then")
	cmd.Flags().DurationVar(&interval, "interval", watchEvery, "time between two plans with --watch")
	return cmd
}

// planner is a planner that is connected.
func (a *app) planner(cmd *cobra.Command) (planner *controllers.Planner, closeAll func(), err error) {
	cfg, log, conn, err := a.prepare(cmd.Context(), a.stderr, false)
	if err != nil {
		return nil, nil, err
	}
	planner = controllers.NewPlanner(conn.options(cfg, log, nil))
	return planner, func() {
		planner.Close()
		conn.close()
	}, nil
}

func (a *app) plan(cmd *cobra.Command, sessions []string, output string) error {
	planner, closeAll, err := a.planner(cmd)
	if err != nil {
		return err
	}
	defer closeAll()
	return a.planOnce(cmd.Context(), planner, sessions, output)
}

func (a *app) planOnce(ctx context.Context, planner *controllers.Planner, sessions []string, output string) error {
	plan, err := planner.Plan(ctx, sessions)
	if errors.Is(err, sessiondb.ErrNotFound) {
		return fmt.Errorf("%w; `session-controller plan` without a name lists all that are adrift", err)
	}
	if err != nil {
		return err
	}
	if output == outputJSON {
		err = writePlanJSON(a.stdout, plan)
	} else {
		err = writePlanTable(a.stdout, plan, terminalWidth(a.stdout), a.painter())
	}
	if err != nil {
		return err
	}
	if err := plan.Failed(); err != nil {
		return fmt.Errorf("some looks failed, nothing is known about these sessions: %w", err)
	}
	if plan.Drift() {
		return errDrift
	}
	return nil
}

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

// planRequest is what a plan is asked for.
type planRequest struct {
	sessions []string // none: all that are adrift
	output   string
	trusting bool // whatever engine answers
}

func newPlanCommand(a *app) *cobra.Command {
	var r planRequest
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
  session-controller plan --as-if-trusted
  session-controller plan --watch`,
		RunE: func(cmd *cobra.Command, sessions []string) error {
			r.sessions = sessions
			switch {
			case !isOutput(r.output):
				return errOutput(r.output)
			case interval < shortestPoll:
				return fmt.Errorf("--interval is %s: give %s or more", interval, shortestPoll)
			case watch:
				return a.watchPlan(cmd, r, interval)
			}
			return a.plan(cmd, r)
		},
	}
	addOutput(cmd, &r.output)
	cmd.Flags().BoolVar(&r.trusting, "as-if-trusted", false,
		"judge as if the engine that answers now was the right one: what trust-engine would lead to")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "make it again and again, until Ctrl-C; exit code 0 then")
	cmd.Flags().DurationVar(&interval, "interval", watchEvery, "time between two plans with --watch")
	return cmd
}

// planner is a planner that is connected.
func (a *app) planner(ctx context.Context, trusting bool) (planner *controllers.Planner, closeAll func(), err error) {
	cfg, log, conn, err := a.prepare(ctx, a.stderr, false)
	if err != nil {
		return nil, nil, err
	}
	if trusting {
		cfg.Docker.Identity = conn.info.Identity()
	}
	planner = controllers.NewPlanner(conn.options(cfg, log, nil))
	return planner, func() {
		planner.Close()
		conn.close()
	}, nil
}

func (a *app) plan(cmd *cobra.Command, r planRequest) error {
	planner, closeAll, err := a.planner(cmd.Context(), r.trusting)
	if err != nil {
		return err
	}
	defer closeAll()
	return a.planOnce(cmd.Context(), planner, r)
}

func (a *app) planOnce(ctx context.Context, planner *controllers.Planner, r planRequest) error {
	plan, err := planner.Plan(ctx, r.sessions)
	if errors.Is(err, sessiondb.ErrNotFound) {
		return fmt.Errorf("%w; `session-controller plan` without a name lists all that are adrift", err)
	}
	if err != nil {
		return err
	}
	if r.output == outputJSON {
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

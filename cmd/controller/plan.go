package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func newPlanCommand(a *app) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "plan [SESSION...]",
		Short: "Print what is adrift and what would be done, and change nothing",
		Long: `plan prints every session that disagrees with its container, why, what would be done about it and when;
under it the statuses that the configuration does not know, and claims of containers that are not owned with the one
setting that would own them.

Exit code: 0 no drift, 2 drift, 1 error. What is only reported or held changes no exit code.`,
		Example: `  session-controller plan
  session-controller plan 3f2a8c1e -o json`,
		RunE: func(cmd *cobra.Command, sessions []string) error {
			if output != "table" && output != "json" {
				return fmt.Errorf("-o is %q: give table or json", output)
			}
			return a.plan(cmd, sessions, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return cmd
}

func (a *app) plan(cmd *cobra.Command, sessions []string, output string) error {
	cfg, log, conn, err := a.prepare(cmd.Context(), a.stderr, false)
	if err != nil {
		return err
	}
	defer conn.close()
	plan, err := controllers.MakePlan(cmd.Context(), conn.options(cfg, log, nil), sessions)
	if errors.Is(err, sessiondb.ErrNotFound) {
		return fmt.Errorf("%w; `session-controller plan` without a name lists all that are adrift", err)
	}
	if err != nil {
		return err
	}
	if output == "json" {
		err = writePlanJSON(a.stdout, plan)
	} else {
		err = writePlanTable(a.stdout, plan, terminalWidth(a.stdout))
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

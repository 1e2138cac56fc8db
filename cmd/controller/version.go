package main

import (
	"cmp"
	"runtime"

	"github.com/spf13/cobra"
)

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print version, commit and Go version",
		Example: `  session-controller version`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.printf("session-controller %s (commit %s, %s)\n", version, cmp.Or(commit, "unknown"), runtime.Version())
			return nil
		},
	}
}

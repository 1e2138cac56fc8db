package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// flags are the flags that every command has.
type flags struct {
	config, databaseURL string
	logLevel, logFormat string
	// dryRun is nil where the flag was not given: then the file decides.
	dryRun *bool
}

// app is what every command is given: where to write, and the common flags.
type app struct {
	stdout, stderr io.Writer
	flags          flags
	election       election
}

func newRootCommand(stdout, stderr io.Writer, e election) *cobra.Command {
	a := &app{stdout: stdout, stderr: stderr, election: e}
	root := &cobra.Command{
		Use:   "session-controller",
		Short: "Keeps the rows of a sessions table and the Docker containers behind them in agreement",
		Long: `session-controller compares desired state (the rows of a sessions table) with actual state (the containers of a
Docker Engine) and converges: dead sessions are marked, containers of ended sessions are removed, claims are cleared.

Try it without changing anything:

  export DATABASE_URL=postgres://user@host/app     # or file:path.db
  session-controller plan`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	f := root.PersistentFlags()
	f.StringVar(&a.flags.config, "config", "", "configuration file (YAML)")
	f.StringVar(&a.flags.databaseURL, "database-url", "", "postgres://… or file:path.db (default $DATABASE_URL)")
	f.StringVar(&a.flags.logLevel, "log-level", "info", "debug, info or error")
	f.StringVar(&a.flags.logFormat, "log-format", "json", "json, or console for people")
	completes(root, "log-level", "debug", "info", "error")
	completes(root, "log-format", "json", "console")
	a.addProfiles(root)
	root.AddCommand(newRunCommand(a), newSweepCommand(a), newPlanCommand(a), newStatusCommand(a), newPauseCommand(a),
		newResumeCommand(a), newMigrateCommand(a), newTrustCommand(a), newVersionCommand(a))
	return root
}

// addDryRun gives a command that has effects the flag that takes them away.
func (a *app) addDryRun(cmd *cobra.Command) {
	given := cmd.Flags().Bool("dry-run", false, "log what would be done and write nothing, anywhere")
	cmd.PreRun = func(cmd *cobra.Command, _ []string) {
		if cmd.Flags().Changed("dry-run") {
			a.flags.dryRun = given
		}
	}
}

// printf writes to the command's output; a closed pipe concerns only its reader.
func (a *app) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stdout, format, args...)
}

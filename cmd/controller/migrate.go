package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func newMigrateCommand(a *app) *cobra.Command {
	var opts sessiondb.MigrateOptions
	var show bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Install the index and the trigger on the sessions table; with --sessions-table make the table, too",
		Long: `migrate installs what the controller never installs by itself: an index on the claim, and on PostgreSQL a
trigger that notifies of every change of a status or a claim. With --sessions-table it also makes the sessions table as
the configuration maps it, and for SQLite the database file.

It can be run again at any time; what is there already is left as it is and checked.`,
		Example: `  session-controller migrate --sessions-table --database-url file:./sessions.db
  session-controller migrate --print --config session-controller.yaml | psql app
  session-controller migrate --uninstall --config session-controller.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(&a.flags, os.Getenv)
			if err != nil {
				return err
			}
			if show {
				return a.printMigration(cfg.Database, opts)
			}
			steps, err := sessiondb.Migrate(cmd.Context(), cfg.Database, opts)
			for _, step := range steps {
				a.printf("%s: %s\n", step.Object, result(step, opts))
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&opts.SessionsTable, "sessions-table", false, "create the sessions table (and an SQLite file)")
	cmd.Flags().BoolVar(&opts.Uninstall, "uninstall", false,
		"take index, trigger and the controller's own tables away again; never the sessions table")
	cmd.Flags().BoolVar(&show, "print", false, "print the SQL and do nothing")
	return cmd
}

// printMigration prints what can be given to psql or sqlite3 as it is.
func (a *app) printMigration(cfg sessiondb.Config, opts sessiondb.MigrateOptions) error {
	statements, err := sessiondb.Statements(cfg, opts)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		a.printf("%s;\n", statement)
	}
	return nil
}

func result(step sessiondb.Step, opts sessiondb.MigrateOptions) string {
	switch {
	case step.Done && opts.Uninstall:
		return "removed"
	case step.Done:
		return "created"
	case opts.Uninstall:
		return "was not there"
	}
	return "is there already and fits"
}

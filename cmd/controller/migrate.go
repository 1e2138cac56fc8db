package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func newMigrateCommand(a *app) *cobra.Command {
	var sessionsTable bool
	cmd := &cobra.Command{
		Use:   "migrate --sessions-table",
		Short: "Create the reference sessions table (and an SQLite file) where there is none",
		Long: `migrate creates what the controller itself never creates: with --sessions-table the sessions table as the
configuration maps it, and for SQLite the database file. A table that is there already is left as it is and checked.`,
		Example: `  session-controller migrate --sessions-table --database-url file:./sessions.db`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !sessionsTable {
				return errors.New("migrate was not told what to create: give --sessions-table")
			}
			cfg, err := loadConfig(&a.flags, os.Getenv)
			if err != nil {
				return err
			}
			created, err := sessiondb.CreateSessionsTable(cmd.Context(), cfg.Database)
			switch {
			case err != nil:
				return err
			case created:
				a.printf("created table %s\n", cfg.Database.Table)
			default:
				a.printf("table %s is there already and fits\n", cfg.Database.Table)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&sessionsTable, "sessions-table", false, "create the sessions table (and an SQLite file)")
	return cmd
}

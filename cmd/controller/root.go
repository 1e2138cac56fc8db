package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
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
}

func newRootCommand(stdout, stderr io.Writer) *cobra.Command {
	a := &app{stdout: stdout, stderr: stderr}
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
	root.AddCommand(newRunCommand(a), newSweepCommand(a), newPlanCommand(a), newMigrateCommand(a), newVersionCommand(a))
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

// connection is an open database and an engine that has answered.
type connection struct {
	store  *sessiondb.Store
	engine *dockerwatch.Engine
	info   dockerwatch.Info
}

// connect opens both sides, or says in one sentence which one cannot be reached or does not fit.
func connect(ctx context.Context, c config) (*connection, error) {
	engine, err := dockerwatch.New(dockerwatch.Config{Host: c.Docker.Host, Connections: c.Workers})
	if err != nil {
		return nil, err
	}
	store, err := sessiondb.Open(ctx, c.Database)
	if err != nil {
		_ = engine.Close()
		return nil, err
	}
	conn := &connection{store: store, engine: engine}
	if conn.info, err = engine.Info(ctx); err != nil {
		conn.close()
		return nil, err
	}
	return conn, nil
}

func (c *connection) close() {
	_ = c.store.Close()
	_ = c.engine.Close()
}

// options puts together what the controllers are built from.
func (c *connection) options(cfg config, log logr.Logger, metrics *controllers.Metrics) controllers.Options {
	return controllers.Options{
		Store:        c.store,
		Engine:       c.engine,
		Ownership:    cfg.Docker.Ownership,
		Policy:       cfg.Policy,
		ResyncPeriod: cfg.ResyncPeriod.Duration,
		Changes:      c.store,
		PollInterval: cfg.PollInterval.Duration,
		Workers:      cfg.Workers,
		DryRun:       cfg.DryRun,
		Metrics:      metrics,
		Log:          log,
	}
}

// prepare loads the configuration, sets up logging to w and connects: what run, sweep and plan begin with.
func (a *app) prepare(ctx context.Context, w io.Writer) (config, logr.Logger, *connection, error) {
	log, err := newLogger(w, a.flags.logLevel, a.flags.logFormat)
	if err != nil {
		return config{}, logr.Discard(), nil, err
	}
	cfg, err := loadConfig(&a.flags, os.Getenv)
	if err != nil {
		return config{}, logr.Discard(), nil, err
	}
	conn, err := connect(ctx, cfg)
	return cfg, log, conn, err
}

// printf writes to the command's output; a closed pipe is nobody's concern but the reader's.
func (a *app) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stdout, format, args...)
}

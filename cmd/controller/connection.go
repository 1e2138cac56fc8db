package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// connection is an open database and an engine that has answered.
type connection struct {
	store  *sessiondb.Store
	engine *dockerwatch.Engine
	info   dockerwatch.Info
	// ledger is nil where the controller's own tables are not there.
	ledger *sessiondb.Ledger
	// late is where pauses come from as long as there is no ledger; nil where there is one.
	late *latePauses
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

// openLedger opens the controller's own tables; with create it makes them where it may. Where there are none it says
// once what is lost: everything else works without them.
func (c *connection) openLedger(ctx context.Context, log logr.Logger, create bool) (err error) {
	c.ledger, err = c.store.OpenLedger(ctx, create)
	if errors.Is(err, sessiondb.ErrNoLedger) {
		if create {
			log.Info("Running without tables of its own: which engine is served is only known until this process ends, and "+
				"it cannot be paused before they are made", "why", err.Error())
		}
		c.late = &latePauses{store: c.store, log: log}
		return nil
	}
	return err
}

func (c *connection) close() {
	if c.ledger != nil {
		_ = c.ledger.Close()
	}
	if c.late != nil {
		c.late.close()
	}
	_ = c.store.Close()
	_ = c.engine.Close()
}

// options puts together what the controllers are built from.
func (c *connection) options(cfg config, log logr.Logger, metrics *controllers.Metrics) controllers.Options {
	var records controllers.EngineRecords // nil and not a nil pointer in it
	var pauses controllers.PauseRecords
	switch {
	case c.ledger != nil:
		records, pauses = c.ledger, c.ledger
	case c.late != nil:
		pauses = c.late
	}
	return controllers.Options{
		Store:        c.store,
		Engine:       c.engine,
		Records:      records,
		Pauses:       pauses,
		Identity:     cfg.Docker.Identity,
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

// prepare loads the configuration, sets up logging to w and connects: what run, sweep and plan begin with. create makes
// the controller's own tables where they are missing; a dry run never does.
func (a *app) prepare(ctx context.Context, w io.Writer, create bool) (config, logr.Logger, *connection, error) {
	log, err := newLogger(w, a.flags.logLevel, a.flags.logFormat)
	if err != nil {
		return config{}, logr.Discard(), nil, err
	}
	cfg, err := loadConfig(&a.flags, os.Getenv)
	if err != nil {
		return config{}, logr.Discard(), nil, err
	}
	conn, err := connect(ctx, cfg)
	if err != nil {
		return config{}, logr.Discard(), nil, err
	}
	if err := conn.openLedger(ctx, log, create && !cfg.DryRun); err != nil {
		conn.close()
		return config{}, logr.Discard(), nil, err
	}
	return cfg, log, conn, nil
}

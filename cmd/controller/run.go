package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/session-controller/session-controller/controllers"
)

// shutdownTimeout is how long the last write may take after SIGTERM. A container runtime sends SIGKILL after 10 s.
const shutdownTimeout = 8 * time.Second

func newRunCommand(a *app) *cobra.Command {
	var metricsAddress, probeAddress string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the controller until SIGTERM",
		Example: `  session-controller run --config /etc/session-controller.yaml
  DATABASE_URL=file:./sessions.db session-controller run --log-format console`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runController(cmd, metricsAddress, probeAddress) },
	}
	a.addDryRun(cmd)
	cmd.Flags().StringVar(&metricsAddress, "metrics-bind-address", "127.0.0.1:9641", "metrics address, 0 for none")
	cmd.Flags().StringVar(&probeAddress, "health-probe-bind-address", defaultHealthAddress,
		"address of /healthz, /readyz and /status, 0 for none")
	return cmd
}

func (a *app) runController(cmd *cobra.Command, metricsAddress, probeAddress string) error {
	ctx := cmd.Context()
	cfg, log, conn, err := a.prepare(ctx, a.stderr, true)
	if err != nil {
		return err
	}
	defer conn.close()
	quietLibraries(log)
	figures, err := newMetrics(cfg)
	if err != nil {
		return err
	}
	lock, err := conn.lease(ctx, cfg)
	if err != nil {
		return err
	}
	mgr, err := newManager(metricsAddress, lock, a.election)
	if err != nil {
		return err
	}
	options := conn.options(cfg, log, figures)
	options.Replica = lock != nil
	controller := controllers.New(options, conn.engine)
	if err := controller.SetupWithManager(mgr); err != nil {
		return err
	}
	which := sides{Host: conn.engine.Host(), Database: conn.store.Describe()}
	if err := addHealth(mgr, probeAddress, controller, which); err != nil {
		return err
	}
	log.Info("Started", "version", version, "engine", conn.engine.Host(), "engineversion", conn.info.Version,
		"database", conn.store.Describe(), "dryrun", cfg.DryRun)
	defer context.AfterFunc(ctx, func() { log.Info("Stopping, finishing what is under way") })()
	if lock != nil {
		log.Info("Waiting for the lease", "lease", lock.Describe(), "as", lock.Identity())
	}
	if err := mgr.Start(ctx); err != nil {
		err = addressHint(err)
		if lock != nil {
			return fmt.Errorf("run the controller: %w; a controller that loses the lease ends, and its supervisor starts it "+
				"again", err)
		}
		return fmt.Errorf("run the controller: %w", err)
	}
	log.Info("Stopped")
	return nil
}

// newManager returns a controller-runtime manager that never contacts a Kubernetes API server: its configuration names
// none, and nothing here asks it for a client.
//
// With a lock only its holder works. A process that loses it must end: what is under way is not waited for, and
// the rows are safe because every write compares.
func newManager(metricsAddress string, lock resourcelock.Interface, e election) (manager.Manager, error) {
	graceful := shutdownTimeout
	mgr, err := manager.New(&rest.Config{}, manager.Options{
		LeaderElection:                      lock != nil,
		LeaderElectionResourceLockInterface: lock,
		LeaderElectionReleaseOnCancel:       true,
		LeaseDuration:                       &e.lease,
		RenewDeadline:                       &e.renew,
		RetryPeriod:                         &e.retry,
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
			return meta.NewDefaultRESTMapper(nil), nil
		},
		Metrics:                 server.Options{BindAddress: metricsAddress},
		HealthProbeBindAddress:  noAddress, // served by addHealth, whose answers say why
		GracefulShutdownTimeout: &graceful,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the manager: %w", addressHint(err))
	}
	return mgr, nil
}

// addressHint says what to do about an address that is taken.
func addressHint(err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	return fmt.Errorf("%w; give another address, or 0 for none, with --metrics-bind-address and "+
		"--health-probe-bind-address", err)
}

// newMetrics registers the controller's metrics, and which build this is.
func newMetrics(cfg config) (*controllers.Metrics, error) {
	statuses := slices.Concat(cfg.Database.Statuses.Live, cfg.Database.Statuses.Ended)
	figures, err := controllers.NewMetrics(metrics.Registry, statuses)
	if err != nil {
		return nil, fmt.Errorf("register the metrics: %w", err)
	}
	figures.Build(version, commit, runtime.Version())
	return figures, nil
}

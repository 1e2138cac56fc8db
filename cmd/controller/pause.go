package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

const (
	// maxPause is a day: to pause for longer, stop the controller.
	maxPause     = 24 * time.Hour
	defaultPause = 30 * time.Minute
	// maxReasonBytes is what fits into a log line that people read.
	maxReasonBytes = 200
	// obeyPatience is how long a pause waits for the running controller to say that it has heard.
	obeyPatience = 15 * time.Second
	obeyPoll     = 100 * time.Millisecond
)

func newPauseCommand(a *app) *cobra.Command {
	var lasts time.Duration
	var reason, by, address string
	cmd := &cobra.Command{
		Use:   "pause --reason TEXT",
		Short: "Let the controller change nothing for a while; it goes on looking",
		Long: `pause stops every effect of the controller that serves this table and node, and of "sweep", for a while: no
row is written, no container stopped or removed. It goes on looking, and says what it would do. The pause is kept in the
database, so it outlives restarts, and ends by itself.

The controller beside obeys within two seconds, and the command ends when what it had begun is done: after that it
writes and removes nothing. A "sweep" that runs obeys within seconds. A stop that has begun is finished by the engine.`,
		Example: `  session-controller pause --for 45m --reason "moving the database, see OPS-312"
  session-controller status
  session-controller resume`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case lasts <= 0 || lasts > maxPause:
				return fmt.Errorf("--for is %s: give a duration above 0 and up to %s", lasts, maxPause)
			case reason == "":
				return errors.New("say why with --reason: the people on call will want to know")
			case len(reason) > maxReasonBytes:
				return fmt.Errorf("--reason has %d bytes: give up to %d", len(reason), maxReasonBytes)
			}
			return a.pause(cmd.Context(), lasts, plain(reason), plain(cmp.Or(by, whoAmI())), address)
		},
	}
	cmd.Flags().DurationVar(&lasts, "for", defaultPause, "how long, up to 24h")
	cmd.Flags().StringVar(&reason, "reason", "", "why; status, log and metric show it")
	cmd.Flags().StringVar(&by, "by", "", "who (default: this user and host)")
	addAddress(cmd, &address)
	return cmd
}

func newResumeCommand(a *app) *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:     "resume",
		Short:   "End a pause",
		Long:    `resume ends a pause at once: the controller sweeps, and brings back into agreement what is adrift.`,
		Example: `  session-controller resume --config /etc/session-controller.yaml`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.resume(cmd.Context(), address) },
	}
	addAddress(cmd, &address)
	return cmd
}

// whoAmI is the user and the host that a pause is made on, as far as they are known.
func whoAmI() string {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

func (a *app) pause(ctx context.Context, lasts time.Duration, reason, by, address string) error {
	return a.withLedger(ctx, func(ledger *sessiondb.Ledger) error {
		if err := ledger.SetPause(ctx, lasts, by, reason); err != nil {
			return err
		}
		p, err := ledger.Paused(ctx)
		if err != nil {
			return err
		}
		a.printf("paused until %s by %s (%s)\n", p.Until.Format(time.RFC3339), by, reason)
		if ledger.Made() {
			a.printf("the controller's own tables were not there and are made: a controller of another role obeys when it " +
				"may use them, see config/postgres/roles.sql\n")
		}
		return a.obeyed(ctx, address, p)
	})
}

func (a *app) resume(ctx context.Context, address string) error {
	return a.withLedger(ctx, func(ledger *sessiondb.Ledger) error {
		was, err := ledger.Paused(ctx)
		if err != nil {
			return err
		}
		s, err := fetchStatus(ctx, address)
		answers := err == nil
		if answers && s.Paused != nil && !was.Active() { // a database that was restored knows less than the controller
			was = sessiondb.Pause{Until: s.Paused.Until, By: s.Paused.By, Reason: s.Paused.Reason}
		}
		if err := ledger.Resume(ctx); err != nil {
			return err
		}
		switch {
		case !was.Active() && !answers:
			a.printf("was not paused, as far as the database knows; if it was, it is not any more\n")
			return nil
		case !was.Active():
			a.printf("was not paused\n")
			return nil
		}
		a.printf("resumed; it was paused by %s (%s)\n", plain(was.By), plain(was.Reason))
		over, err := ledger.Paused(ctx)
		if err != nil {
			return err
		}
		return a.obeyed(ctx, address, over)
	})
}

// withLedger opens the controller's own tables, which are made where they are missing.
func (a *app) withLedger(ctx context.Context, do func(*sessiondb.Ledger) error) error {
	cfg, err := loadConfig(&a.flags, os.Getenv)
	if err != nil {
		return err
	}
	store, err := sessiondb.Open(ctx, cfg.Database)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	ledger, err := store.OpenLedger(ctx, true)
	if err != nil {
		return err
	}
	defer func() { _ = ledger.Close() }()
	return do(ledger)
}

// obeyed waits until the controller that runs here has heard of a pause, or of its end, and has nothing under way that
// it began before, and says so. One that runs elsewhere, or none, is no error: it hears of it by itself.
func (a *app) obeyed(ctx context.Context, address string, p sessiondb.Pause) error {
	const patient = "within seconds, as soon as it can read the database"
	until := time.Now().Add(obeyPatience)
	for {
		s, err := fetchStatus(ctx, address)
		answers := err == nil
		heard := answers && hears(s.Paused, p)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("it is written down, and waiting for the controller was interrupted: %w", ctx.Err())
		case !answers:
			a.printf("no controller answers at %s; one that runs elsewhere obeys %s\n", address, patient)
			return nil
		case !s.Leader:
			a.printf("the controller at %s waits for the lease; the one that works obeys %s\n", address, patient)
			return nil
		case heard && (s.Paused == nil || s.Queue.Acting == 0):
			a.sayObeys(address, s)
			return nil
		case time.Now().After(until) && heard:
			return fmt.Errorf("the controller at %s begins nothing any more, but after %s it is still at %d effects that it "+
				"had begun: wait until \"status -o json\" shows none acting", address, obeyPatience, s.Queue.Acting)
		case time.Now().After(until):
			return fmt.Errorf("it is written down, but the controller at %s does not obey after %s: see its log, and whether "+
				"it serves the same table and node", address, obeyPatience)
		}
		select {
		case <-time.After(obeyPoll):
		case <-ctx.Done():
		}
	}
}

func (a *app) sayObeys(address string, s statusJSON) {
	a.printf("the controller at %s obeys\n", address)
	if n := s.Queue.Stopping; n > 0 && s.Paused != nil {
		a.printf("containers that it had begun to stop, and that are still being stopped: %d\n", n)
	}
}

// hears reports whether what a controller says of a pause is what was written down. Each has a clock of its own.
func hears(says *statusPause, p sessiondb.Pause) bool {
	const apart = 2 * time.Second
	if says == nil {
		return !p.Active()
	}
	return p.Active() && says.Until.Sub(p.Until).Abs() < apart
}

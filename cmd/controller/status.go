package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// errNotReady is the exit code of a controller that is not ready; it has said why.
const errNotReady exitCodeError = 2

func newStatusCommand(a *app) *cobra.Command {
	var output, address string
	var alive bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print what the running controller sees",
		Long: `status asks the running controller what it sees: whether it is ready, the streams, the last sweep, what is
adrift, the queue, the breaker and a pause. It needs neither a configuration nor the database.

Exit code: 0 ready, 2 not ready, 1 no controller answers.

With --alive it prints nothing and asks only whether the process itself is stuck: 0 it is not, 1 it is, or no controller
answers. That is for health checks, as a restart brings back neither an engine nor a database.`,
		Example: `  session-controller status
  session-controller status -o json | jq .drift
  kubectl exec deploy/session-server -c session-controller -- /session-controller status`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !isOutput(output) {
				return errOutput(output)
			}
			if alive {
				return fetchAlive(cmd.Context(), address)
			}
			return a.status(cmd.Context(), address, output)
		},
	}
	addOutput(cmd, &output)
	addAddress(cmd, &address)
	cmd.Flags().BoolVar(&alive, "alive", false, "ask only whether the process is stuck (/healthz), for health checks")
	return cmd
}

func (a *app) status(ctx context.Context, address, output string) error {
	s, err := fetchStatus(ctx, address)
	if err != nil {
		return err
	}
	if output == outputJSON {
		err = writeJSON(a.stdout, s)
	} else {
		_, err = io.WriteString(a.stdout, statusText(s, time.Now(), a.painter()))
	}
	switch {
	case err != nil:
		return fmt.Errorf("write the status: %w", err)
	case !s.Ready:
		return errNotReady
	}
	return nil
}

// statusText is a status for people.
func statusText(s statusJSON, now time.Time, p paint) string {
	var b strings.Builder
	ago := func(t time.Time) string { return now.Sub(t).Truncate(time.Second).String() + " ago" }
	tw := tabwriter.NewWriter(&b, 0, 0, columnGap, ' ', 0)
	line := func(name, text string) { _, _ = fmt.Fprintf(tw, "%s\t%s\n", name, text) }
	line("controller", fmt.Sprintf("%s, up %s%s", plain(s.Version), now.Sub(s.Started).Truncate(time.Second), role(s)))
	if s.Ready {
		line("ready", p.in(green, "yes"))
	}
	for _, check := range s.Checks {
		if !check.OK {
			line("not ready", p.in(red, check.Name+": "+plain(check.Why)))
		}
	}
	if s.Paused != nil {
		line("paused", p.in(yellow, fmt.Sprintf("until %s, by %s: %s", s.Paused.Until.Format(time.RFC3339),
			plain(s.Paused.By), plain(s.Paused.Reason))))
	}
	engine := plain(s.Engine.Host) + ", serving " + plain(s.Engine.Identity)
	if s.Engine.LastEvent != nil {
		engine += ", last event " + ago(*s.Engine.LastEvent)
	}
	line("engine", engine)
	line("database", fmt.Sprintf("%s, changes by %s", plain(s.Database.Name), plain(s.Database.Changes)))
	if sw := s.Sweep; sw != nil {
		line("last sweep", fmt.Sprintf("%s, took %s", ago(sw.Ended), seconds(sw.TookSeconds)))
		line("rows", fmt.Sprintf("%d claim something (%s): %d healthy, %d adrift, %d of unknown status, %d reported",
			sw.Rows, counts(sw.Statuses), sw.Healthy, sw.Adrift, sw.Unknown, sw.Invalid+sw.Taken+sw.Foreign))
		line("containers", fmt.Sprintf("%d, %d owned, %d of these unclaimed", sw.Containers, sw.Owned, sw.Unclaimed))
	}
	line("adrift now", drifting(s.Drift, p))
	if len(s.CrashLooping) > 0 {
		line("looping", p.in(yellow, plain(strings.Join(s.CrashLooping, ", "))))
	}
	line("queue", fmt.Sprintf("%d sessions, %d containers; %d being stopped", s.Queue.Sessions, s.Queue.Containers,
		s.Queue.Stopping))
	line("breaker", breaker(s.Breaker, p))
	_ = tw.Flush() // a strings.Builder takes everything
	return b.String()
}

func role(s statusJSON) string {
	switch {
	case !s.Leader:
		return ", waiting for the lease"
	case s.DryRun:
		return ", dry run"
	}
	return ""
}

func drifting(drift map[string]int, p paint) string {
	if len(drift) == 0 {
		return "nothing"
	}
	return p.in(yellow, counts(drift))
}

func breaker(b statusBreaker, p paint) string {
	switch {
	case b.Sessions && b.Containers:
		return p.in(red, "holds sessions and containers")
	case b.Sessions:
		return p.in(red, "holds sessions whose containers are gone")
	case b.Containers:
		return p.in(red, "holds containers without a row")
	}
	return "holds nothing"
}

// counts prints "ACTIVE 3, IDLE 1".
func counts(of map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if of[name] > 0 {
			parts = append(parts, plain(name)+" "+strconv.Itoa(of[name]))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}

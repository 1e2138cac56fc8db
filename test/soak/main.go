// Command soak lets a session server misbehave for as long as it is told, beside the real controller, a real Docker
// Engine and a real PostgreSQL server, and fails when the controller grows, leaves something adrift or harms a session:
//
//	make soak DURATION=10m
//
// It starts the built controller as a process of its own, opens and ends sessions in every way that a server and its
// containers know, and measures the process from outside. What must be true of rows and containers it judges by itself,
// with its own SQL and its own list of containers, and shares no code with the controller.
//
// SESSION_CONTROLLER_TEST_DOCKER_HOST and SESSION_CONTROLLER_TEST_POSTGRES_URL name the engine and the server, as for
// the tests; hack/test-env.sh sets both. Whatever way it ends, its containers, its database and the controller are
// gone; only the controller's log stays.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const (
	// shortest is a run with enough samples for two fifths to be compared.
	shortest = 30 * time.Second
	// exitInterrupted is what a shell reports for a process that SIGINT ended: 128 + 2.
	exitInterrupted = 130
	exitUsage       = 64
)

// options is what the command line says.
type options struct {
	duration   time.Duration
	controller string
	log        string
}

var errInterrupted = errors.New("interrupted: nothing is known of growth or drift; what was started is gone again")

func main() {
	// A reader that goes away (head, a closed terminal) must not end the process at its next line and leave everything
	// behind. It is no reason to stop either: the connection to a controller that is killed is one as well.
	signal.Ignore(syscall.SIGPIPE)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)

	stop()
	os.Exit(code)
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	if err != nil {
		return exitUsage
	}

	err = soak(ctx, opts, stdout)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted):
		_, _ = fmt.Fprintf(stderr, "soak: %v\n", err)

		return exitInterrupted
	}

	// Joined errors are a line each.
	for line := range strings.Lines(err.Error() + "\n") {
		_, _ = fmt.Fprintf(stderr, "soak: %s", line)
	}

	return 1
}

// parse has told what is wrong when it returns an error.
func parse(args []string, stderr io.Writer) (options, error) {
	var opts options

	set := flag.NewFlagSet("soak", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.DurationVar(&opts.duration, "duration", 10*time.Minute, "how long sessions are churned, at least 30s")
	set.StringVar(&opts.controller, "controller", "bin/session-controller", "the built controller")
	set.StringVar(&opts.log, "log", "bin/soak.log", "where the controller's log goes")

	if err := set.Parse(args); err != nil {
		return options{}, err
	}

	if set.NArg() > 0 || opts.duration < shortest {
		err := fmt.Errorf("soak: duration %s, arguments %q: give a duration from %s on, and flags only",
			opts.duration, set.Args(), shortest)
		_, _ = fmt.Fprintln(stderr, err)

		return options{}, err
	}

	return opts, nil
}

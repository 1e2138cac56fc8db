// Command bench measures how fast the built controller is, beside two ways to do the same work: the seed's, one process
// of the docker command per row, and the floor, the least that any program must ask of the engine and the database.
//
//	make bench     the figures, as a table and in bench.json
//	make growth    the same work for 100 to 100,000 sessions, into docs/performance
//
// Every ratio is of one run: what is compared is measured by turns, on the same containers and rows. The engine and the
// database are real where 200 containers are enough; more of them come from test/engine. Nothing here fails because it
// is slow: a figure is a figure, and the table says which goals it meets.
//
// SESSION_CONTROLLER_TEST_DOCKER_HOST and SESSION_CONTROLLER_TEST_POSTGRES_URL name the engine and the server, as for
// the tests; hack/test-env.sh sets both. Whatever way it ends, its containers, its databases and the controllers are
// gone; only the controllers' logs stay.
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
)

const (
	// exitInterrupted is what a shell reports for a process that SIGINT ended: 128 + 2.
	exitInterrupted = 130
	exitUsage       = 64
)

// options is what the command line says.
type options struct {
	controller string
	// out is the file for the figures, logs the directory for the controllers' logs, and profiles the one for their
	// profiles ("" for none).
	out, logs, profiles string
	// only is the one group of figures to measure, or "" for all.
	only string
	// growth is the directory for the figures over the number of sessions, or "" for the others.
	growth string
}

func main() {
	// A reader that goes away (head, a closed terminal) must not end the process at its next line and leave everything
	// behind. It is no reason to stop either: a controller that is killed is one as well, of the test engine's events.
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

	work := bench
	if opts.growth != "" {
		work = growth
	}

	err = work(ctx, opts, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(stderr, "bench: interrupted: no figures were written; what was started is gone again")

		return exitInterrupted
	}

	// Joined errors are a line each.
	for line := range strings.Lines(err.Error() + "\n") {
		_, _ = fmt.Fprintf(stderr, "bench: %s", line)
	}

	return 1
}

// parse has told what is wrong when it returns an error.
func parse(args []string, stderr io.Writer) (options, error) {
	var opts options

	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&opts.controller, "controller", "bin/session-controller", "the built controller")
	set.StringVar(&opts.out, "out", "bench.json", "where the figures go")
	set.StringVar(&opts.logs, "logs", "bin/bench-logs", "the directory for the controllers' logs")
	set.StringVar(&opts.profiles, "profiles", "", "the directory for CPU and heap profiles of the controllers")
	set.StringVar(&opts.only, "only", "", "measure one group of figures: "+strings.Join(groupNames(), ", "))
	set.StringVar(&opts.growth, "growth", "", "measure growth instead, and write its page and drawings to this directory")

	if err := set.Parse(args); err != nil {
		return options{}, err
	}

	var err error

	switch {
	case set.NArg() > 0:
		err = fmt.Errorf("bench: arguments %q: give flags only", set.Args())
	case opts.only != "" && opts.growth != "":
		err = errors.New("bench: -only and -growth: give one of the two")
	case opts.only != "" && !known(opts.only):
		err = fmt.Errorf("bench: -only %q: give one of %s", opts.only, strings.Join(groupNames(), ", "))
	default:
		return opts, nil
	}

	_, _ = fmt.Fprintln(stderr, err)

	return options{}, err
}

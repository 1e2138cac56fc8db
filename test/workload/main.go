// Command workload is the one binary of the test image: a process that ends in every way a session's process can end.
//
//	workload sleep                  runs until SIGTERM, then exits 143 at once
//	workload ignore-term            runs and ignores SIGTERM, so that only SIGKILL ends it
//	workload exit CODE              exits at once
//	workload say CODE LINE…         writes the lines, those that begin with ! to stderr, and exits
//	workload exit-after TIME CODE   exits by itself after a Go duration
//	workload exit-on-usr1 CODE      exits by itself on SIGUSR1; sent from the host, the engine emits no kill event for it
//	workload oom                    runs out of memory and exits 137: a child of it is killed, and it follows
//	workload oom-direct             runs out of memory and is killed itself
//
// Both begin on SIGUSR1, or when a second is over; see oom.go for why, and for why there are two.
//
// A mode that waits for a signal prints "ready" once its handler is in place. Until then a signal would be lost: the
// kernel drops signals that the first process of a pid namespace does not handle.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// exitTerminated is what a shell reports for a process that SIGTERM ended: 128 + 15.
	exitTerminated = 143
	// exitUsage marks a mistake of the test itself, apart from every code a test asks for.
	exitUsage = 64
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "workload:", err)
		os.Exit(exitUsage)
	}

	os.Exit(code)
}

// run does what the mode says and returns the code to exit with.
func run(args []string) (int, error) {
	if len(args) == 0 {
		return 0, errors.New("no mode given")
	}

	mode, args := args[0], args[1:]

	switch {
	case mode == "sleep" && len(args) == 0:
		return waitFor(syscall.SIGTERM, exitTerminated), nil
	case mode == "ignore-term" && len(args) == 0:
		return ignoreTerm(), nil
	case mode == "oom" && len(args) == 0:
		return loseChild()
	case mode == "oom-direct" && len(args) == 0:
		awaitBegin()

		return eatMemory()
	case mode == eatMode && len(args) == 0:
		return eatMemory()
	case mode == "exit" && len(args) == 1:
		return exitCode(args[0])
	case mode == "exit-on-usr1" && len(args) == 1:
		code, err := exitCode(args[0])
		if err != nil {
			return 0, err
		}

		return waitFor(syscall.SIGUSR1, code), nil
	case mode == "say" && len(args) > 1:
		return say(args[0], args[1:])
	case mode == "exit-after" && len(args) == 2:
		return exitAfter(args[0], args[1])
	default:
		return 0, fmt.Errorf("mode %q with %d arguments is not known", mode, len(args))
	}
}

// waitFor blocks until wanted (then it returns code) or SIGTERM (then [exitTerminated]) arrives.
func waitFor(wanted syscall.Signal, code int) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, wanted, syscall.SIGTERM)
	fmt.Println("ready")

	if <-signals == wanted {
		return code
	}

	return exitTerminated
}

// ignoreTerm never returns. It receives the signals instead of blocking for ever on nothing, which the Go runtime would
// take for a deadlock.
func ignoreTerm() int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	fmt.Println("ready")

	for {
		<-signals
	}
}

func exitAfter(after, code string) (int, error) {
	wait, err := time.ParseDuration(after)
	if err != nil {
		return 0, fmt.Errorf("time to wait: %w", err)
	}

	exit, err := exitCode(code)
	if err != nil {
		return 0, err
	}

	time.Sleep(wait)

	return exit, nil
}

func say(code string, lines []string) (int, error) {
	for _, line := range lines {
		to := os.Stdout
		if strings.HasPrefix(line, "!") {
			to = os.Stderr
		}

		if _, err := fmt.Fprintln(to, line); err != nil {
			return 0, fmt.Errorf("write a line: %w", err)
		}
	}

	return exitCode(code)
}

func exitCode(text string) (int, error) {
	code, err := strconv.ParseUint(text, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("exit code: %w", err)
	}

	return int(code), nil
}

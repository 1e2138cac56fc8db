// Command session-controller keeps the rows of a sessions table and the Docker containers behind them in agreement.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
)

// Set by the linker (see the Makefile).
var (
	version = "dev"
	commit  = ""
)

func main() {
	os.Exit(run(untilSignalled(os.Exit), os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit code. Every failure is one sentence on stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return runWith(ctx, args, stdout, stderr, usualElection())
}

// runWith is run with another election than the usual one.
func runWith(ctx context.Context, args []string, stdout, stderr io.Writer, e election) int {
	cmd := newRootCommand(stdout, stderr, e) //nolint:contextcheck // cobra hands the context on to the commands
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if code, ok := errors.AsType[exitCodeError](err); ok {
		return int(code)
	}
	printError(stderr, err)
	return 1
}

// printError writes a failure: one sentence, without a password.
func printError(stderr io.Writer, err error) {
	_, _ = fmt.Fprintf(stderr, "session-controller: %s\n", masked(err.Error()))
}

// masked takes the user and the password out of any URL that got into a sentence, such as one that was given in the
// wrong place and is quoted as what is wrong.
func masked(sentence string) string {
	sentence = regexp.MustCompile(`://\S*@`).ReplaceAllString(sentence, "://…@")
	word := regexp.MustCompile(`(?is)(\w*(?:password|passwd|pwd))\s*=\s*('(?:\\+(?:.|$)|[^'\\])*(?:'|$)|(?:\\+.|\S)+)`)
	return word.ReplaceAllString(sentence, "$1=…")
}

// exitCodeError ends a command that has said all there is to say.
type exitCodeError int

// errDrift says that something is adrift (plan) or left (sweep).
const errDrift exitCodeError = 2

func (c exitCodeError) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// Command mutants runs the simulation against controllers that are each wrong in one way, and fails unless every one is
// caught: a simulation that does not notice them would prove nothing of the real one.
//
//	go run ./test/sim/mutants [-runs 3000] [-only WORDS] [-jobs 2] [-show]
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	runs := flag.Int("runs", 5000, "how many runs a mutant may survive")
	only := flag.String("only", "", "only mutants whose name contains these words")
	jobs := flag.Int("jobs", 2, "how many mutants are tried at once")
	show := flag.Bool("show", false, "print the history in which each was caught")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := try(ctx, os.Stdout, *runs, *jobs, *only, *show); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// outcome is what became of one mutant.
type outcome struct {
	// broke says that a promise was broken, caught that the last was one of those that the mutant is about.
	broke, caught bool
	promise       string
	runs          int
	took          time.Duration
	// history is what the simulation printed where a promise was broken.
	history []byte
	err     error
}

// try runs the simulation against every mutant and says what became of each.
func try(ctx context.Context, w io.Writer, runs, jobs int, only string, show bool) error {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return fmt.Errorf("make a folder for the mutants: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	all, err := findFunctions()
	if err != nil {
		return err
	}
	var chosen []mutant
	for _, m := range mutants() {
		if strings.Contains(m.name, only) {
			chosen = append(chosen, m)
		}
	}
	outcomes := make([]outcome, len(chosen))
	lines := make(chan string)
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		for line := range lines {
			_, _ = fmt.Fprintln(w, line)
		}
	}()
	var group errgroup.Group
	group.SetLimit(jobs)
	for i, m := range chosen {
		group.Go(func() error {
			outcomes[i] = m.try(ctx, all, filepath.Join(dir, strconv.Itoa(i)), runs)
			lines <- outcomes[i].line(m.name)
			if show {
				lines <- string(outcomes[i].history)
			}
			return nil
		})
	}
	_ = group.Wait()
	close(lines)
	<-printed
	return summary(w, outcomes)
}

// line says what became of a mutant.
func (o outcome) line(name string) string {
	switch {
	case o.err != nil:
		return fmt.Sprintf("%-9s %s: %v", "FAILED", name, o.err)
	case o.caught:
		return fmt.Sprintf("%-9s %-4s %5d runs %7s  %s", "caught", o.promise, o.runs, o.took.Round(time.Second), name)
	case o.broke:
		return fmt.Sprintf("%-9s %-4s %5d runs %7s  %s", "BY CHANCE", o.promise, o.runs, o.took.Round(time.Second), name)
	}
	return fmt.Sprintf("%-9s %-4s %5d runs %7s  %s", "SURVIVED", "", o.runs, o.took.Round(time.Second), name)
}

// summary is the last line, and an error unless every mutant was caught.
func summary(w io.Writer, outcomes []outcome) error {
	caught, runs := 0, 0
	for _, o := range outcomes {
		if o.caught {
			caught++
			runs += o.runs
		}
	}
	mean := runs / max(caught, 1)
	_, _ = fmt.Fprintf(w, "%d of %d mutants caught, after %d runs on average\n", caught, len(outcomes), mean)
	if caught < len(outcomes) || caught == 0 {
		return errors.New("not every mutant was caught for what it does wrong: the simulation does not see that, or it " +
			"does not build")
	}
	return nil
}

// try runs the simulation against a mutant, built by an overlay: no file of the project is touched.
func (m mutant) try(ctx context.Context, all functions, dir string, runs int) outcome {
	overlay, err := m.overlay(all, dir)
	if err != nil {
		return outcome{err: err}
	}
	binary := filepath.Join(dir, "sim.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", overlay, "-o", binary, "./test/sim")
	if out, err := build.CombinedOutput(); err != nil {
		return outcome{err: fmt.Errorf("it does not build: %w\n%s", err, out)}
	}
	began := time.Now()
	o := outcome{}
	for !o.caught && o.err == nil && o.runs < runs && ctx.Err() == nil {
		o = m.play(ctx, binary, o, runs-o.runs)
	}
	o.took = time.Since(began)
	if ctx.Err() != nil {
		o.err = ctx.Err()
	}
	return o
}

// play makes so many runs more, or as many as it takes until a promise is broken. One that the mutant is not about does
// not count: something else may come of the same mistake, by chance, long before the harm that it does.
func (m mutant) play(ctx context.Context, binary string, before outcome, runs int) outcome {
	test := exec.CommandContext(ctx, binary, "-test.run", "^TestSimulation$", "-test.v", "-test.timeout", "2h",
		"-rapid.checks", strconv.Itoa(runs), "-rapid.nofailfile", "-rapid.shrinktime", "0s")
	test.Dir = filepath.Join("test", "sim")
	test.Env = append(os.Environ(), "SIM_DRAW=1")
	out, err := test.CombinedOutput()
	if err == nil {
		before.runs += runs
		return before
	}
	o := outcome{}.read(out)
	o.caught = o.broke && strings.Contains(m.breaks, o.promise)
	o.runs += before.runs
	return o
}

var (
	broken   = regexp.MustCompile(`([SL][0-9]): `)
	survived = regexp.MustCompile(`first seen in run ([0-9]+)`)
)

// read finds which promise was broken, and after how many runs.
func (o outcome) read(out []byte) outcome {
	promise, after := broken.FindSubmatch(out), survived.FindSubmatch(out)
	if promise == nil || after == nil {
		return outcome{err: fmt.Errorf("it ended in another way:\n%s", head(out))}
	}
	o.broke, o.promise, o.history = true, string(promise[1]), out
	o.runs, _ = strconv.Atoi(string(after[1]))
	return o
}

func head(out []byte) []byte {
	const most = 2000
	return bytes.TrimSpace(out[:min(len(out), most)])
}

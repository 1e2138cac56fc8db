package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"

	"github.com/spf13/cobra"
)

// addProfiles gives every command the flag that leaves profiles of it.
func (a *app) addProfiles(root *cobra.Command) {
	dir := root.PersistentFlags().String("profile-dir", "",
		"write cpu.pprof and heap.pprof there when the command ends, for go tool pprof")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		do := cmd.RunE
		if *dir == "" || do == nil {
			return nil
		}
		stop, err := startProfiles(*dir)
		if err != nil {
			return err
		}
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			defer func() {
				// The command has said what it has to say, and its exit code stays.
				if err := stop(); err != nil {
					_, _ = fmt.Fprintf(a.stderr, "session-controller: %v\n", err)
				}
			}()
			return do(cmd, args)
		}
		return nil
	}
}

// startProfiles begins with the CPU profile; stop ends it and writes the heap's. Profiles hold names of functions and
// files, and nothing that the process knows of sessions.
func startProfiles(dir string) (stop func() error, err error) {
	const hint = "name a directory that can be written with --profile-dir"
	const forOwnerAndGroup = 0o750
	if err := os.MkdirAll(dir, forOwnerAndGroup); err != nil {
		return nil, fmt.Errorf("make the directory for the profiles: %w; %s", err, hint)
	}
	cpu, err := os.Create(filepath.Join(filepath.Clean(dir), "cpu.pprof"))
	if err != nil {
		return nil, fmt.Errorf("create the CPU profile: %w; %s", err, hint)
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(fmt.Errorf("start the CPU profile: %w", err), cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return errors.Join(cpu.Close(), writeHeap(filepath.Join(dir, "heap.pprof")))
	}, nil
}

func writeHeap(name string) error {
	file, err := os.Create(filepath.Clean(name))
	if err != nil {
		return fmt.Errorf("create the heap profile: %w", err)
	}
	runtime.GC() // what is live, and not what waits to be collected
	if err := errors.Join(pprof.WriteHeapProfile(file), file.Close()); err != nil {
		return fmt.Errorf("write the heap profile: %w", err)
	}
	return nil
}

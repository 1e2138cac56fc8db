package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// Two facts about Docker 20.10 with containerd 1.6 on control groups of version 1 shape this file, each measured with
// 40 containers, four at a time on 2 busy cores:
//
//   - The engine starts to watch a container's memory only after it has started its process. Of processes that took
//     memory at once, more than half left neither an oom event nor OOMKilled.
//   - The oom and the exit reach the engine by two ways. When the first process itself is killed, `die` comes before
//     `oom` in 12 to 25 of 100 cases, by up to 0.1 s, and State.OOMKilled stays false for ever.
//
// So both modes wait until they may begin, and `oom` leaves the engine time to hear of the oom before its process ends.
const (
	// eatMode is for the child of `oom` alone.
	eatMode = "eat"
	// oomCeiling bounds what is taken in a container without a memory limit, so that a mistake in a test cannot take the
	// host down. It is far above the few MiB that tests allow.
	oomCeiling = 1 << 30
	oomStep    = 1 << 20
	// oomDelay is for those who send no signal. It is long against the milliseconds that a start takes.
	oomDelay = time.Second
	// oomReport is ten times the longest delay of an oom event that was seen.
	oomReport = time.Second
	// exitKilled is what a shell reports for a process that SIGKILL ended: 128 + 9.
	exitKilled = 137
)

// awaitBegin returns on SIGUSR1, or when oomDelay is over.
func awaitBegin() {
	begin := make(chan os.Signal, 1)
	signal.Notify(begin, syscall.SIGUSR1)
	fmt.Println("ready")

	select {
	case <-begin:
	case <-time.After(oomDelay):
	}
}

// loseChild starts a child that is killed for the memory it takes, and follows it when the engine has heard of that.
func loseChild() (int, error) {
	awaitBegin()

	child := exec.Command("/proc/self/exe", eatMode) //nolint:noctx // Nobody cancels it: the kernel ends it.
	child.Stderr = os.Stderr

	var exit *exec.ExitError
	if err := child.Run(); !errors.As(err, &exit) {
		return 0, fmt.Errorf("run a child that takes memory: it was not killed: %w", err)
	}

	if status, ok := exit.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		return 0, fmt.Errorf("run a child that takes memory: it was not killed: %w", exit)
	}

	time.Sleep(oomReport)

	return exitKilled, nil
}

// eatMemory touches one page after the other; memory that is only reserved would not count against the limit.
func eatMemory() (int, error) {
	// The kernel takes this process and not its parent.
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0o600); err != nil {
		return 0, fmt.Errorf("offer this process to the kernel: %w", err)
	}

	eaten := make([][]byte, 0, oomCeiling/oomStep)

	for range oomCeiling / oomStep {
		block := make([]byte, oomStep)
		for i := 0; i < len(block); i += os.Getpagesize() {
			block[i] = 1
		}

		eaten = append(eaten, block)
	}

	return 0, fmt.Errorf("took %d MiB and was not killed: the container has no memory limit", len(eaten))
}

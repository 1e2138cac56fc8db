package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/session-controller/session-controller/test/rig"
)

// quantile returns the sample that the share q of all samples does not exceed (the nearest rank). It returns 0 where
// there are none.
func quantile(samples []float64, q float64) float64 {
	if len(samples) == 0 {
		return 0
	}

	sorted := slices.Sorted(slices.Values(samples))
	rank := int(math.Ceil(q * float64(len(sorted))))

	return sorted[min(max(rank, 1), len(sorted))-1]
}

func median(samples []float64) float64 { return quantile(samples, 0.5) }

// wait returns after d, or with the context's error when that ends before.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// timed returns how many seconds it took.
func timed(do func() error) (float64, error) {
	began := time.Now()
	err := do()

	return time.Since(began).Seconds(), err
}

// byTurns measures each way so many times, by turns, so that what else the machine does meets all of them alike. It
// returns the median of each.
func byTurns(rounds int, ways ...func() (float64, error)) ([]float64, error) {
	samples := make([][]float64, len(ways))

	for range rounds {
		for i, way := range ways {
			took, err := way()
			if err != nil {
				return nil, err
			}

			samples[i] = append(samples[i], took)
		}
	}

	medians := make([]float64, len(ways))
	for i := range ways {
		medians[i] = median(samples[i])
	}

	return medians, nil
}

// memoryOf returns a field of /proc/PID/status such as VmHWM, in MiB.
func memoryOf(pid int, field string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}

	const kibibytes = 1 << 10

	return rig.ValueOf(string(text), field+":") / kibibytes, nil
}

// cpuOf returns the CPU time that a process has used, in seconds.
func cpuOf(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}

	return cpuTime(text)
}

// cpuTime reads the line of proc(5): the name in parentheses may hold anything, and what follows begins with the third
// field. The 14th and the 15th are the time in user and kernel mode, in ticks of a hundredth of a second.
func cpuTime(stat []byte) (float64, error) {
	const (
		first, user, kernel = 3, 14, 15
		ticks               = 100
	)

	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= kernel-first {
		return 0, fmt.Errorf("read the CPU time of a process: %q is no line of /proc/PID/stat", stat)
	}

	sum := 0.0

	for _, field := range fields[user-first : kernel-first+1] {
		value, err := strconv.ParseFloat(string(field), 64)
		if err != nil {
			return 0, fmt.Errorf("read the CPU time of a process: %w", err)
		}

		sum += value
	}

	return sum / ticks, nil
}

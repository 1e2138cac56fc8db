package testenv

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollInterval is short against what is waited for (tens of milliseconds and more) and long against one look.
const pollInterval = 10 * time.Millisecond

// poll calls look until it returns nil. When ctx ends first it returns both errors, the last of look among them.
func poll(ctx context.Context, look func() error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()

	for {
		err := look()
		if err == nil {
			return nil
		}

		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up: %w", errors.Join(ctx.Err(), err))
		case <-ticker.C:
		}
	}
}

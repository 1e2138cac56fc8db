package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// election is how replicas hold the lease. Each wait must be shorter than the one before it.
type election struct {
	// lease is after how long without a renewal another replica takes over.
	lease time.Duration
	// renew is after how long without a renewal the holder ends: it works no more when another one begins.
	renew time.Duration
	// retry is the time between two renewals, or two tries to get the lease.
	retry time.Duration
}

// usualElection is what controller-runtime and Kubernetes use: four renewals may fail within the 10 s, and 5 s are left
// for what the holder has begun.
func usualElection() election {
	const lease, renew, retry = 15 * time.Second, 10 * time.Second, 2 * time.Second
	return election{lease: lease, renew: renew, retry: retry}
}

// lease returns the lock of the replicas that serve this node and engine, or nil where there is no election. It is read
// once, so that one which cannot be read is told of at the start and not every two seconds. A dry run takes none.
func (c *connection) lease(ctx context.Context, cfg config) (resourcelock.Interface, error) {
	if !cfg.LeaderElection.Enabled || cfg.DryRun {
		return nil, nil //nolint:nilnil // no lock is an answer
	}
	if c.ledger == nil {
		return nil, errors.New("leaderElection.enabled needs the controller's own tables, which are not there: run " +
			"`session-controller migrate` as a role that may create them, or run one replica without it")
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("ask for the host name, which the lease is held as: %w", err)
	}
	lock := c.ledger.Lease(cfg.Docker.Node+"/"+c.info.Identity(), host+"_"+rand.Text())
	if _, _, err := lock.Get(ctx); err != nil && !apierrors.IsNotFound(err) {
		return nil, err //nolint:wrapcheck // it is ours and says what it is
	}
	return lock, nil
}

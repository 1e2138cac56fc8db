package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// config is the configuration file. Each section belongs to the package that uses it.
type config struct {
	Database sessiondb.Config   `json:"database"`
	Docker   dockerConfig       `json:"docker"`
	Policy   controllers.Policy `json:"policy"`
	// ResyncPeriod is the time between two sweeps; at least one second.
	ResyncPeriod metav1.Duration `json:"resyncPeriod"`
	// PollInterval is the time between two looks at ended rows where the database does not tell of changes by itself.
	PollInterval metav1.Duration `json:"pollInterval"`
	// Workers is how many sessions are looked at in parallel.
	Workers int `json:"workers"`
	// LeaderElection lets one of several replicas work at a time.
	LeaderElection leaderElection `json:"leaderElection"`
	// DryRun writes nothing, to either side.
	DryRun bool `json:"dryRun"`
}

type leaderElection struct {
	Enabled bool `json:"enabled"`
}

type dockerConfig struct {
	// Host is the engine's address; empty means the usual default.
	Host string `json:"host"`
	// Identity is the only engine to serve, as trust-engine prints it; empty means the one that is remembered.
	Identity string `json:"identity"`
	// Node is whose rows are served, where the rows say which node they are of; empty serves all.
	Node      string                `json:"node"`
	Ownership dockerwatch.Ownership `json:"ownership"`
}

// maxWorkers bounds the workers: each holds one connection to the engine, which serves a few hundred at the most.
const maxWorkers = 256

// shortestPoll keeps polls from being a load: a poll takes some milliseconds.
const shortestPoll = 100 * time.Millisecond

func defaultConfig() config {
	return config{
		Database:     sessiondb.DefaultConfig(),
		Docker:       dockerConfig{Ownership: dockerwatch.DefaultOwnership()},
		Policy:       controllers.DefaultPolicy(),
		ResyncPeriod: metav1.Duration{Duration: time.Minute},
		PollInterval: metav1.Duration{Duration: 2 * time.Second},
		Workers:      32,
	}
}

// loadConfig reads the file (when one is named) over the defaults, then the environment, then the flags, and checks the
// whole.
func loadConfig(f *flags, getenv func(string) string) (config, error) {
	c := defaultConfig()
	if f.config != "" {
		if err := readConfig(f.config, &c); err != nil {
			return config{}, err
		}
	}
	c.Database.URL = cmp.Or(f.databaseURL, getenv("DATABASE_URL"), c.Database.URL)
	c.Docker.Host = cmp.Or(getenv("DOCKER_HOST"), c.Docker.Host)
	c.Database.Node = c.Docker.Node
	if f.dryRun != nil {
		c.DryRun = *f.dryRun
	}
	return c, c.validate()
}

// validate returns every problem, each one sentence that names the key.
func (c config) validate() error {
	problems := []error{
		c.Database.Validate(),
		inSection("docker.", c.Docker.Ownership.Validate()),
		c.Policy.Validate(),
	}
	if c.ResyncPeriod.Duration < time.Second || c.ResyncPeriod.Duration > 24*time.Hour {
		problems = append(problems,
			fmt.Errorf("resyncPeriod is %s: give a duration between 1s and 24h", c.ResyncPeriod.Duration))
	}
	if c.PollInterval.Duration < shortestPoll || c.PollInterval.Duration > 24*time.Hour {
		problems = append(problems,
			fmt.Errorf("pollInterval is %s: give a duration between 100ms and 24h", c.PollInterval.Duration))
	}
	if c.Workers < 1 || c.Workers > maxWorkers {
		problems = append(problems, fmt.Errorf("workers is %d: give a number between 1 and %d", c.Workers, maxWorkers))
	}
	return errors.Join(problems...)
}

// inSection puts the section in front of an error that begins with the key within it.
func inSection(section string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s%w", section, err)
}

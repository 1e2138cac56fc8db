package main

import (
	"fmt"
	"strings"
)

// goal is what a figure has to reach: all of the bounds that are not 0.
type goal struct {
	// most is in the figure's own unit.
	most float64
	unit string
	// ofFloor and ofSeed are multiples of the floor and of the seed.
	ofFloor, ofSeed float64
	// above is how much the figure may be above the one that is named.
	above float64
	named string
}

// goals are those of the design, section 10.
func goals() map[string]goal {
	return map[string]goal{
		"no_drift_200":       {ofFloor: 1.5, ofSeed: 0.01},
		"no_drift_100k":      {ofFloor: 1.5, most: 0.3, unit: seconds},
		"exited_200":         {ofFloor: 1.25, ofSeed: 0.1},
		"gone_10k":           {most: 3, unit: seconds},
		"death_to_error_p50": {most: 0.008, unit: seconds},
		"death_to_error_p99": {most: 0.040, unit: seconds},
		"idle_cpu":           {most: 0.01, unit: ofACore},
		"idle_rss":           {most: 64, unit: mebibytes},
		"sweep_memory_1m":    {above: 16, named: "sweep_memory_10k", unit: mebibytes},
		"storm_p99":          {most: 1, unit: seconds},
	}
}

func goalOf(name string) (goal, bool) {
	g, ok := goals()[name]

	return g, ok
}

// met reports whether the figure reaches the goal. all is where the one is looked up that it is compared with.
func (g goal) met(f figure, all []figure) bool {
	within := func(factor float64, of *float64) bool {
		return factor == 0 || of != nil && f.Value <= factor**of
	}

	return (g.most == 0 || f.Value <= g.most) && within(g.ofFloor, f.Floor) && within(g.ofSeed, f.Seed) && g.near(f, all)
}

func (g goal) near(f figure, all []figure) bool {
	if g.named == "" {
		return true
	}

	for _, other := range all {
		if other.Name == g.named {
			return f.Value <= other.Value+g.above
		}
	}

	return false
}

// String is the goal in a few words.
func (g goal) String() string {
	var parts []string

	if g.ofFloor != 0 {
		parts = append(parts, fmt.Sprintf("≤ %g × floor", g.ofFloor))
	}

	if g.ofSeed != 0 {
		parts = append(parts, fmt.Sprintf("≤ 1/%.0f seed", 1/g.ofSeed))
	}

	if g.most != 0 {
		parts = append(parts, "≤ "+quantity(g.most, g.unit))
	}

	if g.named != "" {
		parts = append(parts, fmt.Sprintf("≤ %s + %s", g.named, quantity(g.above, g.unit)))
	}

	return strings.Join(parts, ", ")
}

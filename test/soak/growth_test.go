package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	t.Parallel()

	cases := map[string]struct {
		reason string
		values []float64
		want   float64
	}{
		"one":      {"it is its own middle", []float64{3}, 3},
		"odd":      {"the one in the middle, whatever the order", []float64{9, 1, 5}, 5},
		"even":     {"between the two in the middle", []float64{4, 1, 2, 100}, 3},
		"outliers": {"a few are not heard", []float64{7, 7, 7, 900, 7, 0}, 7},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			before := append([]float64(nil), tc.values...)
			if got := median(tc.values); got != tc.want {
				t.Errorf("median of %v is %v, want %v: %s", tc.values, got, tc.want, tc.reason)
			}

			if diff := cmp.Diff(before, tc.values); diff != "" {
				t.Errorf("the samples were put in another order, and their order is time (-before +after):\n%s", diff)
			}
		})
	}
}

func TestTrend(t *testing.T) {
	t.Parallel()

	cases := map[string]struct {
		reason string
		values []float64
		want   trend
		err    error
	}{
		"none":       {"nothing was measured", nil, trend{}, errTooFewSamples},
		"four":       {"a fifth of them is none", []float64{1, 2, 3, 4}, trend{}, errTooFewSamples},
		"five":       {"the first against the last", []float64{1, 50, 50, 50, 2}, trend{1, 2}, nil},
		"ten":        {"two against two", []float64{1, 3, 9, 9, 9, 9, 9, 9, 4, 8}, trend{2, 6}, nil},
		"eleven":     {"what does not divide is in the middle", []float64{1, 3, 9, 9, 9, 9, 9, 9, 9, 4, 8}, trend{2, 6}, nil},
		"up and off": {"a hill in the middle is no growth", []float64{5, 80, 90, 80, 5}, trend{5, 5}, nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			samples := make([]figures, 0, len(tc.values))
			for _, value := range tc.values {
				samples = append(samples, figures{files: value})
			}

			got, err := trendOf(samples, func(f figures) float64 { return f.files })
			if !errors.Is(err, tc.err) || got != tc.want {
				t.Errorf("got %v and %v, want %v and %v: %s", got, err, tc.want, tc.err, tc.reason)
			}
		})
	}
}

func TestGrowth(t *testing.T) {
	t.Parallel()

	cases := map[string]struct {
		reason string
		gauge  string
		trend  trend
		want   string
	}{
		"as many":          {"nothing has changed", "goroutines", trend{60, 60}, ""},
		"fewer":            {"less is no growth", "goroutines", trend{60, 12}, ""},
		"ten more":         {"workers are busy at one moment and not at another", "goroutines", trend{60, 70}, ""},
		"eleven more":      {"more than that is growth", "goroutines", trend{60, 71}, "grew from 60 to 71"},
		"from none":        {"the tolerance does not need a start", "open files", trend{0, 11}, "and 10 is allowed"},
		"heap breathes":    {"a quarter and 4 MiB", "live heap MiB", trend{8 * mebibyte, 14 * mebibyte}, ""},
		"heap grows":       {"more than both", "live heap MiB", trend{8 * mebibyte, 14.1 * mebibyte}, "from 8.0 to 14.1"},
		"memory kept":      {"the runtime gives it back late", "RSS MiB", trend{60 * mebibyte, 106 * mebibyte}, ""},
		"memory lost":      {"more than a heap that doubles", "RSS MiB", trend{60 * mebibyte, 107 * mebibyte}, "and 106.0"},
		"small heap grows": {"4 MiB count where a quarter is little", "live heap MiB", trend{0, 4 * mebibyte}, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			for _, g := range gauges {
				if g.name != tc.gauge {
					continue
				}

				got := ""
				if err := g.judge(tc.trend); err != nil {
					got = err.Error()
				}

				if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
					t.Errorf("verdict %q, want one that contains %q: %s", got, tc.want, tc.reason)
				}

				return
			}

			t.Fatalf("there is no figure called %q", tc.gauge)
		})
	}
}

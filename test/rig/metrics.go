package rig

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// scrapeTimeout is long for a controller that works: it answers within milliseconds.
const scrapeTimeout = 10 * time.Second

// Scrape returns the text of the controller's metrics.
func (c *Controller) Scrape(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+"/metrics", nil)
	if err != nil {
		return "", fmt.Errorf("read the controller's metrics: %w", err)
	}

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("read the controller's metrics: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // It has been read, or reading it has failed.

	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", fmt.Errorf("read the controller's metrics: %w", err)
	}

	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("read the controller's metrics: it answered %s", response.Status)
	}

	return string(body), nil
}

// ValueOf is the number after a name at the beginning of a line: a metric with its labels as they are printed, or a
// field of a status file. It is 0 where there is none.
func ValueOf(text, name string) float64 {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != name {
			continue
		}

		value, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return 0
		}

		return value
	}

	return 0
}

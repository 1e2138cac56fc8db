package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	// defaultHealthAddress is where /healthz, /readyz and /status are served.
	defaultHealthAddress = "127.0.0.1:9642"
	// askPatience is long for a process that works: it answers within milliseconds.
	askPatience = 5 * time.Second
	// answerLimit bounds what is read of an answer that may be anybody's.
	answerLimit = 1 << 20
)

func addAddress(cmd *cobra.Command, address *string) {
	cmd.Flags().StringVar(address, "address", defaultHealthAddress,
		"where the running controller answers (its --health-probe-bind-address)")
}

// fetchStatus asks the controller at an address what it sees.
func fetchStatus(ctx context.Context, address string) (statusJSON, error) {
	var s statusJSON
	err := ask(ctx, address, "/status", func(code int, body io.Reader) error {
		if code != http.StatusOK {
			return errAnswer(code)
		}
		if err := json.NewDecoder(body).Decode(&s); err != nil {
			return fmt.Errorf("its answer is no status: %w", err)
		}
		return nil
	})
	return s, err
}

// fetchAlive asks the controller at an address whether its process is stuck: the error says where.
func fetchAlive(ctx context.Context, address string) error {
	return ask(ctx, address, "/healthz", func(code int, body io.Reader) error {
		switch code {
		case http.StatusOK:
			return nil
		case http.StatusInternalServerError:
			why, _ := io.ReadAll(body) // what there is of it
			return errors.New(strings.TrimSpace(plain(string(why))))
		}
		return errAnswer(code)
	})
}

func errAnswer(code int) error { return fmt.Errorf("it answered %d %s", code, http.StatusText(code)) }

// ask hands on what the controller at an address answers.
func ask(ctx context.Context, address, path string, read func(code int, body io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	fail := func(err error) error {
		return fmt.Errorf("ask the controller at %s for %s: %w; is it running, and is --address its "+
			"--health-probe-bind-address?", address, path, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return fail(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := read(response.StatusCode, io.LimitReader(response.Body, answerLimit)); err != nil {
		return fail(err)
	}
	return nil
}

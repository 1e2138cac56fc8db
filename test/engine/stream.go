package engine

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/events"
)

// eventsCalled answers what is remembered since a time and then what happens, until a time or until the caller goes.
func (e *Engine) eventsCalled(w http.ResponseWriter, r *http.Request) {
	only, err := parseFilters(r.FormValue("filters"))
	since, sinceErr := instant(r.FormValue("since"))
	until, untilErr := instant(r.FormValue("until"))
	if err != nil || sinceErr != nil || untilErr != nil {
		fail(w, http.StatusBadRequest, "invalid filter or time")
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if !until.IsZero() {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, max(until.Sub(e.Now()), 0))
		defer stop()
	}
	s := e.subscribe(only, since, cancel)
	defer e.unsubscribe(s)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	send := sender(w)
	_ = send(nil)
	for { // what is remembered comes even where the time is up already
		select {
		case m := <-s.queue:
			if !until.IsZero() && m.TimeNano > until.UnixNano() {
				return
			}
			if send(&m) != nil {
				return
			}
			continue
		default:
		}
		select {
		case m := <-s.queue:
			if send(&m) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// sender returns what writes one event at a time; nil writes nothing but what is still to be sent.
func sender(w http.ResponseWriter) func(*events.Message) error {
	encoder, controller := json.NewEncoder(w), http.NewResponseController(w)
	return func(m *events.Message) error {
		if m != nil {
			if err := encoder.Encode(m); err != nil {
				return err
			}
		}
		return controller.Flush()
	}
}

// instant reads a time as the API has it: seconds, with or without nanoseconds.
func instant(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	whole, fraction, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	nano, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return time.Unix(sec, nano), nil
}

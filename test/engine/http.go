package engine

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// isSet reports whether a parameter says yes, in either way in which clients say it.
func isSet(r *http.Request, name string) bool {
	return r.FormValue(name) == "1" || r.FormValue(name) == "true"
}

// seconds is a time-out as the API has it; a real engine's default is 10 s.
func seconds(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil {
		n = 10
	}
	return time.Duration(n) * time.Second
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // a caller that is gone reads nothing
}

// fail answers an error in the engine's own form.
func fail(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"message": text})
}

// refuse answers what could not be done.
func refuse(w http.ResponseWriter, err error) {
	var notFound notFoundError
	var conflict conflictError
	var invalid invalidError
	switch {
	case errors.Is(err, errNotModified):
		w.WriteHeader(http.StatusNotModified)
	case errors.As(err, &notFound):
		fail(w, http.StatusNotFound, err.Error())
	case errors.As(err, &conflict):
		fail(w, http.StatusConflict, err.Error())
	case errors.As(err, &invalid):
		fail(w, http.StatusBadRequest, err.Error())
	default:
		fail(w, http.StatusInternalServerError, err.Error())
	}
}

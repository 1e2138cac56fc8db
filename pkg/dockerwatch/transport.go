package dockerwatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// errorBodyLimit bounds what is read of an error answer. The engine's own are one sentence; a proxy's page may be
// long.
const errorBodyLimit = 64 << 10

// answer is what came back on the wire for one call. The client library keeps neither the status nor the cause of a
// failed connection, and answers "not found" for any 404; both are needed to tell an engine from a proxy.
type answer struct {
	status  int    // zero: there was no answer
	message string // of an error answer in the engine's own form, else empty
	err     error  // why there was no answer
	engine  string // the identity of the engine at the end of the connection; empty when there was no connection
}

type answerKey struct{}

// withAnswer returns a context whose exchanges are recorded; the last one stays. Read it after the call has returned.
func withAnswer(ctx context.Context) (context.Context, *answer) {
	a := &answer{}
	return context.WithValue(ctx, answerKey{}, a), a
}

// recorder is an [http.RoundTripper] that notes what came back.
type recorder struct{ base http.RoundTripper }

// RoundTrip sends the request and records the answer.
func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	a, ok := req.Context().Value(answerKey{}).(*answer)
	if !ok {
		return r.base.RoundTrip(req) //nolint:wrapcheck // the client library tells the transport's own errors apart
	}
	*a = answer{}
	req = req.WithContext(withConnection(req.Context(), a))
	resp, err := r.base.RoundTrip(req)
	for errors.Is(err, errGivenUp) && req.Context().Err() == nil {
		resp, err = r.base.RoundTrip(req) // nothing was sent, and no request here has a body
	}
	if a.err = err; err != nil {
		return resp, err //nolint:wrapcheck // as above
	}
	a.status = resp.StatusCode
	if resp.StatusCode < http.StatusBadRequest {
		return resp, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, errorBodyLimit))
	_ = resp.Body.Close()
	if err != nil {
		a.err = err
		return nil, err //nolint:wrapcheck // as above
	}
	a.message = engineMessage(resp.Header.Get("Content-Type"), body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// engineMessage returns the message of an error answer in the engine's own form, or "" for anything else, such as the
// page of a proxy.
func engineMessage(contentType string, body []byte) string {
	var said struct {
		Message string `json:"message"`
	}
	if kind, _, _ := mime.ParseMediaType(contentType); kind != "application/json" || json.Unmarshal(body, &said) != nil {
		return ""
	}
	return strings.TrimSpace(said.Message)
}

// noSuchContainer reports whether the engine itself said that it has no container by this reference.
//
// This is the one place that reads an answer's text. It must: the engine answers 404 for an unknown route as well, and
// so does every proxy, so the status alone would make a misrouted call look like a removed container. The wording is
// as old as the API; the letter case is tolerated because it is the part that has changed in other messages.
func (a answer) noSuchContainer(ref string) bool {
	return a.status == http.StatusNotFound && strings.EqualFold(a.message, "No such container: "+ref)
}

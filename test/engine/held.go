package engine

import (
	"bytes"
	"maps"
	"net/http"
)

// held is an answer that is not sent yet.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is the answer's.
func (h *held) Header() http.Header { return h.header }

// WriteHeader sets the answer's status.
func (h *held) WriteHeader(status int) { h.status = status }

// Write adds to the answer's body.
func (h *held) Write(p []byte) (int, error) { return h.body.Write(p) }

func (h *held) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), h.header)
	w.WriteHeader(h.status)
	_, _ = w.Write(h.body.Bytes())
}

// cut sends half of the answer and closes the connection.
func (h *held) cut(w http.ResponseWriter) {
	h.header.Set("Content-Length", "100000000")
	body := h.body.Bytes()
	h.body = *bytes.NewBuffer(body[:len(body)/2])
	h.send(w)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/session-controller/session-controller/controllers"
)

// noAddress switches a server off, as controller-runtime has it.
const noAddress = "0"

const (
	// headerPatience and idlePatience keep a client that says nothing from holding a connection.
	headerPatience = 5 * time.Second
	idlePatience   = time.Minute
	// answerTimeout is how long answers under way are waited for at the end.
	answerTimeout = time.Second
)

// addHealth serves /healthz, /readyz and /status. They answer whether this replica works or waits for the lease.
func addHealth(mgr manager.Manager, address string, c *controllers.Controller, which sides) error {
	if address == noAddress {
		return nil
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("serve the probes: %w", addressHint(err))
	}
	timeout := answerTimeout
	err = mgr.Add(&manager.Server{
		Name: "health",
		Server: &http.Server{
			Handler: healthHandler(c, which), ReadHeaderTimeout: headerPatience, IdleTimeout: idlePatience,
		},
		Listener: listener, ShutdownTimeout: &timeout,
	})
	if err != nil {
		_ = listener.Close()
		return fmt.Errorf("serve the probes: %w", err)
	}
	return nil
}

// prober is what the probes ask. [controllers.Controller] is one.
type prober interface {
	Alive() error
	Checks() []controllers.Check
	Status() controllers.Status
}

// healthHandler answers the probes. /healthz fails only when the process itself is stuck: a restart brings back neither
// an engine nor a database. /readyz says what is missing, with ?verbose what is not, too.
func healthHandler(c prober, which sides) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := c.Alive(); err != nil {
			answer(w, http.StatusInternalServerError, err.Error()+"\n")
			return
		}
		answer(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		code, text := readiness(c.Checks(), r.URL.Query().Has("verbose"))
		answer(w, code, text)
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = writeJSON(w, statusOf(c.Status(), which, time.Now())) // the client has gone
	})
	return mux
}

// readiness is the code and the text of an answer to /readyz.
func readiness(checks []controllers.Check, verbose bool) (int, string) {
	code := http.StatusOK
	var text strings.Builder
	for _, check := range checks {
		switch {
		case check.Err != nil:
			code = http.StatusServiceUnavailable
			fmt.Fprintf(&text, "[-] %s: %s\n", check.Name, masked(check.Err.Error()))
		case verbose:
			fmt.Fprintf(&text, "[+] %s\n", check.Name)
		}
	}
	if code == http.StatusOK {
		text.WriteString("ok\n")
	} else {
		text.WriteString("not ready\n")
	}
	return code, text.String()
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // the client has gone
}

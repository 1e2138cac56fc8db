package dockerwatch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// messageLimit bounds what an error quotes of the engine's own words.
const messageLimit = 300

// callFailure turns what happened to a call into an error for people: what was tried, what happened, what to do. ctx
// is the caller's own, want the status of success. It returns nil when the call succeeded.
//
// Where the engine did not say who it is when the connection was dialled, that is what the sentence is about.
func (e *Engine) callFailure(
	ctx context.Context, op string, limit time.Duration, want int, a answer, err error,
) error {
	var unknown unidentified
	switch known := errors.As(errors.Join(a.err, err), &unknown); {
	case known && op == opIdentify:
		return unknown.error
	case known:
		return fmt.Errorf("%s: %w", op, unknown.error)
	default:
		return e.answerFailure(ctx, op, limit, want, a, err)
	}
}

// answerFailure is callFailure for a connection that leads to an engine, or could not be made. It builds the sentence
// from the recorded answer rather than from the client library's error, which repeats whole pages and URLs.
func (e *Engine) answerFailure(
	ctx context.Context, op string, limit time.Duration, want int, a answer, err error,
) error {
	switch {
	case err == nil && a.status == want:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s: %w", op, context.Canceled)
	case timedOut(err) || timedOut(a.err):
		return fmt.Errorf("%s: %w (waited up to %s)", op, ErrTimeout, limit)
	case a.err != nil || a.status == 0:
		return fmt.Errorf("%s: %w at %s: %s", op, ErrUnreachable, e.Host(), e.connectFailure(errors.Join(a.err, err)))
	case a.status == want:
		return fmt.Errorf("%s: %w at %s: its answer broke off or is not the engine's (%s)%s",
			op, ErrUnreachable, e.Host(), bodyFailure(err), proxyHint)
	case a.status >= http.StatusBadRequest && a.message != "":
		return e.refusal(op, a)
	case a.status == http.StatusBadRequest && e.scheme == "http" && !e.endpoint.socket():
		return fmt.Errorf("%s: %w at %s: got HTTP 400 that is not the engine's; if the port wants TLS, "+
			"set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH", op, ErrUnreachable, e.Host())
	default:
		return fmt.Errorf("%s: %w at %s: got HTTP %d that is not the engine's%s",
			op, ErrUnreachable, e.Host(), a.status, proxyHint)
	}
}

// proxyHint ends an error about an answer that no engine gives.
const proxyHint = "; is there a proxy in between, or is it another service's address?"

// refusal is the error for an answer in the engine's own form.
func (e *Engine) refusal(op string, a answer) error {
	message := clip(a.message)
	switch a.status {
	case http.StatusConflict:
		return fmt.Errorf("%s: %w: %s", op, ErrRefused, message)
	case http.StatusNotFound:
		return fmt.Errorf("%s: %w at %s: got HTTP 404 (%s)%s", op, ErrUnreachable, e.Host(), message, proxyHint)
	default:
		return fmt.Errorf("%s: the docker engine answered HTTP %d: %s", op, a.status, message)
	}
}

// connectFailure says in a few words why there was no answer, and what helps.
func (e *Engine) connectFailure(err error) string {
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var alert *net.OpError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "permission denied; run as root or as a member of the socket's group (usually docker)"
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such socket; is the engine running, and is the docker host right?"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused; is the engine running?"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "it closed the connection before it answered"
	case errors.As(err, &authority):
		return "its certificate is not signed by ca.pem; is DOCKER_CERT_PATH right?"
	case errors.As(err, &hostname):
		return "its certificate is for another name: " + clip(hostname.Error())
	case errors.As(err, &record):
		return "it does not speak TLS on this port; unset DOCKER_TLS_VERIFY and DOCKER_TLS, or use its TLS port (2376)"
	case errors.As(err, &alert) && alert.Op == "remote error":
		return "it refused the TLS connection (" + clip(alert.Err.Error()) +
			"); are cert.pem and key.pem in DOCKER_CERT_PATH?"
	default:
		return clip(fmt.Sprint(lastCause(err)))
	}
}

// bodyFailure names what was wrong with the body of an answer without quoting any of it: it can hold an environment.
func bodyFailure(err error) string {
	switch {
	case err == nil:
		return "incomplete"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "cut off"
	default:
		return "not the JSON that was expected"
	}
}

// timedOut reports whether a deadline ended the call, the call's own or the dialler's.
func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// lastCause follows err to its innermost error: the outer ones only repeat the address.
func lastCause(err error) error {
	for {
		var next error
		switch wrapped := err.(type) { //nolint:errorlint // this is the walk down the chain itself
		case interface{ Unwrap() error }:
			next = wrapped.Unwrap()
		case interface{ Unwrap() []error }:
			next = wrapped.Unwrap()[0]
		}
		if next == nil {
			return err
		}
		err = next
	}
}

// clip makes one short line of a text that comes from elsewhere.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > messageLimit {
		s = strings.ToValidUTF8(s[:messageLimit], "") + "…"
	}
	return s
}

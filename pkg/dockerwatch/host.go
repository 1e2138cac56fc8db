package dockerwatch

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Where an engine is when nothing says otherwise: the docker command's own defaults. The ports are those that IANA
// registered for Docker, without and with TLS.
const (
	defaultHost    = "unix:///var/run/docker.sock"
	defaultTLSHost = "tcp://localhost:2376"
	plainPort      = "2375"
	tlsPort        = "2376"
)

// The schemes that are understood.
const (
	schemeUnix = "unix"
	schemeTCP  = "tcp"
)

// endpoint is a Docker host that was understood.
type endpoint struct {
	scheme string // unix or tcp
	addr   string // socket path, or host:port
	path   string // what a tcp host puts before every route; usually empty
}

// host is the endpoint as a Docker host. It never carries user information, so it may be logged.
func (p endpoint) host() string { return p.scheme + "://" + p.addr + p.path }

// socket reports whether the engine is on this machine's file system, where there is no TLS.
func (p endpoint) socket() bool { return p.scheme == schemeUnix }

// parseHost understands what the docker command understands as a host, except for the ways that need a second program
// or Windows. An error never quotes the value, which can hold a password; secure is whether TLS is asked for. Unlike
// the docker command, which takes the plain port with TLS too, a host without a port gets the port that fits.
func parseHost(value string, secure bool) (endpoint, error) {
	value = strings.TrimSpace(value)
	scheme, rest, ok := strings.Cut(value, "://")
	if !ok {
		rest = value
		scheme = schemeTCP
		if strings.HasPrefix(value, "/") || strings.HasPrefix(value, "./") {
			scheme = schemeUnix
		}
	}
	switch scheme {
	case schemeUnix:
		if rest == "" {
			return endpoint{}, errors.New("docker host unix:// names no socket; give unix:///var/run/docker.sock")
		}
		return endpoint{scheme: schemeUnix, addr: rest}, nil
	case schemeTCP:
		return parseTCP(rest, secure)
	case "ssh":
		return endpoint{}, errors.New("docker host ssh:// is not supported; forward the engine's socket (ssh -L) and give " +
			"it as unix://, or use tcp:// with TLS")
	case "npipe":
		return endpoint{}, errors.New("docker host npipe:// exists on Windows only; give unix:// or tcp://")
	default:
		return endpoint{}, errors.New("docker host is neither unix:// nor tcp://; give for example " + defaultHost)
	}
}

func parseTCP(rest string, secure bool) (endpoint, error) {
	u, err := url.Parse("tcp://" + rest)
	if err != nil || u.Host == "" || tornAddress(u) {
		// url.Parse quotes the whole address, user and password included: its error goes no further.
		return endpoint{}, errors.New("docker host tcp:// has no usable address; give tcp://HOST:PORT")
	}
	port := u.Port()
	if port == "" {
		port = plainPort
		if secure {
			port = tlsPort
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || u.Hostname() == "" {
		return endpoint{}, fmt.Errorf("docker host tcp://%s has no usable address; give tcp://HOST:PORT", u.Host)
	}
	return endpoint{
		scheme: schemeTCP,
		addr:   net.JoinHostPort(u.Hostname(), port),
		path:   strings.TrimRight(u.Path, "/"),
	}, nil
}

// tornAddress reports what an unescaped character in a password turns an address into: the rest of the password stands
// where the path should, and would be logged with it.
func tornAddress(u *url.URL) bool {
	return u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(u.Path, "@")
}

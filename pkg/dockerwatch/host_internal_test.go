package dockerwatch

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHost(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		value  string
		secure bool
		want   string // the endpoint as a host; empty: refused
		says   string // part of the refusal
	}{
		{reason: "a socket", value: "unix:///var/run/docker.sock", want: "unix:///var/run/docker.sock"},
		{reason: "space around it is dropped, as the docker command does", value: " unix:///s ", want: "unix:///s"},
		{reason: "a bare path is a socket", value: "/run/docker.sock", want: "unix:///run/docker.sock"},
		{reason: "a port is kept", value: "tcp://10.0.0.1:1234", want: "tcp://10.0.0.1:1234"},
		{reason: "the plain port", value: "tcp://engine", want: "tcp://engine:2375"},
		{reason: "the TLS port", value: "tcp://engine", secure: true, want: "tcp://engine:2376"},
		{reason: "a host without a scheme is tcp", value: "engine:1234", want: "tcp://engine:1234"},
		{reason: "IPv6", value: "tcp://[::1]:1234", want: "tcp://[::1]:1234"},
		{reason: "IPv6 without a port", value: "tcp://[::1]", want: "tcp://[::1]:2375"},
		{reason: "a path is put before every route", value: "tcp://proxy:80/docker/", want: "tcp://proxy:80/docker"},
		{
			reason: "a user and a password are dropped: Docker has no use for them",
			value:  "tcp://me:hunter2@engine:1", want: "tcp://engine:1",
		},
		{reason: "ssh needs a second program", value: "ssh://me@engine", says: "ssh://"},
		{reason: "pipes are Windows'", value: "npipe:////./pipe/docker_engine", says: "npipe://"},
		{reason: "http is not what the docker command takes", value: "http://me:hunter2@engine", says: "unix://"},
		{reason: "no socket", value: "unix://", says: "no socket"},
		{reason: "no address", value: "tcp://", says: "tcp://HOST:PORT"},
		{reason: "no host", value: "tcp://:2375", says: "tcp://HOST:PORT"},
		{reason: "no such port", value: "tcp://engine:99999", says: "engine:99999"},
		{reason: "port zero is none", value: "tcp://engine:0", says: "engine:0"},
		{
			reason: "an address that cannot be read is not quoted",
			value:  "tcp://me:hunter2@engine:x y", says: "tcp://HOST:PORT",
		},
		{
			reason: "nor is what a slash in a password makes a path",
			value:  "tcp://me:12/hunter2@engine", says: "tcp://HOST:PORT",
		},
		{
			reason: "nor what a question mark makes a query",
			value:  "tcp://me:12?hunter2@engine", says: "tcp://HOST:PORT",
		},
		{reason: "nor is a bad escape", value: "tcp://me:hunter2@%zz", says: "tcp://HOST:PORT"},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			got, err := parseHost(c.value, c.secure)
			if c.want != "" {
				if err != nil || got.host() != c.want {
					t.Errorf("parseHost(%q) = %q, %v, want %q", c.value, got.host(), err, c.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("parseHost(%q) = %q, %v, want an error that says %q", c.value, got.host(), err, c.says)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds the password: %v", err)
			}
		})
	}
}

func TestSecurityFrom(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		env    map[string]string
		want   transportSecurity
	}{
		{
			"nothing set: no TLS", map[string]string{"HOME": "/home/me"},
			transportSecurity{dir: "/home/me/.docker"},
		}, {
			"DOCKER_TLS_VERIFY means TLS and verification", map[string]string{"HOME": "/home/me", "DOCKER_TLS_VERIFY": "1"},
			transportSecurity{enabled: true, verify: true, dir: "/home/me/.docker"},
		}, {
			"whatever its value: the docker command only asks whether it is empty",
			map[string]string{"DOCKER_TLS_VERIFY": "0", "HOME": "/"},
			transportSecurity{enabled: true, verify: true, dir: "/.docker"},
		}, {
			"DOCKER_TLS means TLS without verification", map[string]string{"DOCKER_TLS": "1", "HOME": "/"},
			transportSecurity{enabled: true, dir: "/.docker"},
		}, {
			"DOCKER_CERT_PATH says where the certificates are",
			map[string]string{"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c", "DOCKER_CONFIG": "/d"},
			transportSecurity{enabled: true, verify: true, dir: "/c"},
		}, {
			"and turns nothing on", map[string]string{"DOCKER_CERT_PATH": "/c"},
			transportSecurity{dir: "/c"},
		}, {
			"else they are in the docker command's own directory",
			map[string]string{"DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": "/d"},
			transportSecurity{enabled: true, verify: true, dir: "/d"},
		},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			got := securityFrom(func(name string) string { return c.env[name] })
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(transportSecurity{})); diff != "" {
				t.Errorf("security (-want +got):\n%s", diff)
			}
		})
	}
}

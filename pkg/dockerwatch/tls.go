package dockerwatch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/docker/go-connections/tlsconfig"
)

// transportSecurity is what the environment asks for.
type transportSecurity struct {
	enabled bool
	verify  bool
	dir     string
}

// securityFrom reads the environment by the docker command's own rule (docker/cli, cli/flags/options.go), which is not
// that of the client library's FromEnv: DOCKER_TLS_VERIFY, non-empty whatever its value, means TLS and verification;
// DOCKER_TLS, non-empty, TLS without verification. DOCKER_CERT_PATH alone changes nothing; it only says where the
// certificates are, else they are where the docker command keeps its configuration (DOCKER_CONFIG, else ~/.docker).
func securityFrom(getenv func(string) string) transportSecurity {
	s := transportSecurity{verify: getenv("DOCKER_TLS_VERIFY") != ""}
	s.enabled = s.verify || getenv("DOCKER_TLS") != ""
	switch {
	case getenv("DOCKER_CERT_PATH") != "":
		s.dir = getenv("DOCKER_CERT_PATH")
	case getenv("DOCKER_CONFIG") != "":
		s.dir = getenv("DOCKER_CONFIG")
	default:
		s.dir = filepath.Join(getenv("HOME"), ".docker")
	}
	return s
}

// config reads the certificates. Like the docker command it trusts the system's authorities beside ca.pem, and shows a
// client certificate only where both of its files exist. Without verification ca.pem is of no use and is not read.
func (s transportSecurity) config() (*tls.Config, error) {
	options := tlsconfig.Options{InsecureSkipVerify: !s.verify}
	if s.verify {
		options.CAFile = filepath.Join(s.dir, "ca.pem")
	}
	cert, key := filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem")
	if exists(cert) && exists(key) {
		options.CertFile, options.KeyFile = cert, key
	}
	conf, err := tlsconfig.Client(options)
	if err != nil {
		return nil, fmt.Errorf("read the Docker TLS files ca.pem, cert.pem and key.pem in %s (see DOCKER_CERT_PATH): %w",
			s.dir, err)
	}
	return conf, nil
}

// exists reports whether there is a file; one that cannot be looked at counts, so that reading it says why.
func exists(file string) bool {
	_, err := os.Stat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

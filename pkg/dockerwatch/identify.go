package dockerwatch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"time"

	"github.com/docker/docker/api"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"
)

const opIdentify = "ask the docker engine for its identity"

// unidentified is an answer at a dial that no engine of use gives. Its error is a whole sentence.
type unidentified struct{ error }

func (u unidentified) Unwrap() error { return u.error }

// identify asks the engine at the other end of a new connection which version of the API it speaks, unless that is
// pinned, and who it is. The next calls speak that version.
func (e *Engine) identify(ctx context.Context, conn net.Conn) (Info, error) {
	on := exchanger{engine: e, conn: conn, reader: bufio.NewReader(conn)}
	version := e.pinned
	if version == "" {
		header, _, err := on.get(ctx, "/_ping")
		if err != nil {
			return Info{}, err
		}
		if version, err = e.agree(header.Get("Api-Version")); err != nil {
			return Info{}, err
		}
	}
	_, body, err := on.get(ctx, "/v"+version+"/info")
	if err != nil {
		return Info{}, err
	}
	return e.readInfo(body, time.Now())
}

var versionPattern = regexp.MustCompile(`^[0-9]+\.[0-9]+$`)

// agree has the next calls speak the version that an engine's ping has named, or the newest one that is known here. It
// returns that version.
//
// The client library's own negotiation ignores a failed ping and sends the call with its newest version, which an
// older engine refuses, and takes an answer without a version (a proxy's) for an engine of 2016.
func (e *Engine) agree(named string) (string, error) {
	if !versionPattern.MatchString(named) {
		return "", unidentified{fmt.Errorf("%s: %w at %s: it names no API version as an engine does%s",
			opIdentify, ErrUnreachable, e.Host(), proxyHint)}
	}
	if versions.GreaterThan(named, api.DefaultVersion) {
		named = api.DefaultVersion
	}
	if speaker := e.current.Load(); speaker != nil && speaker.ClientVersion() == named {
		return named, nil
	}
	speaker, err := e.clientOn(e.transport, named)
	if err != nil {
		return "", err
	}
	e.current.Store(speaker)
	return named, nil
}

// readInfo reads who the engine is from an answer that ended at a moment by this machine's clock.
func (e *Engine) readInfo(body []byte, ended time.Time) (Info, error) {
	var raw system.Info
	err := json.Unmarshal(body, &raw)
	now, timeErr := engineTime(raw.SystemTime)
	if err != nil || timeErr != nil || now.IsZero() || raw.ID == "" || raw.DockerRootDir == "" {
		return Info{}, unidentified{fmt.Errorf("%s: %w at %s: its answer lacks the id, the root directory or the time%s",
			opIdentify, ErrUnreachable, e.Host(), proxyHint)}
	}
	return Info{
		ID:      raw.ID,
		RootDir: raw.DockerRootDir,
		Name:    raw.Name,
		Version: raw.ServerVersion,
		Time:    now,
		Offset:  now.Sub(ended),
	}, nil
}

// exchanger makes exchanges on a connection that no transport has yet.
type exchanger struct {
	engine *Engine
	conn   net.Conn
	reader *bufio.Reader
}

// get asks for a path and returns what a 200 answered.
func (x exchanger) get(ctx context.Context, path string) (http.Header, []byte, error) {
	e := x.engine
	host := client.DummyHost
	if !e.endpoint.socket() {
		host = e.endpoint.addr
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.scheme+"://"+host+e.endpoint.path+path, nil)
	if err != nil {
		return nil, nil, unidentified{fmt.Errorf("%s: %w", opIdentify, err)}
	}
	if err := req.Write(x.conn); err != nil {
		return nil, nil, err //nolint:wrapcheck // callFailure says what was tried
	}
	resp, err := http.ReadResponse(x.reader, req)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // as above
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, infoLimit))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, nil, err
	}
	if said := engineMessage(resp.Header.Get("Content-Type"), body); resp.StatusCode != http.StatusOK && said != "" {
		return nil, nil, unidentified{fmt.Errorf("%s: %w at %s: it answered HTTP %d: %s",
			opIdentify, ErrUnreachable, e.Host(), resp.StatusCode, clip(said))}
	}
	a := answer{status: resp.StatusCode}
	if err := e.callFailure(ctx, opIdentify, e.timeout, http.StatusOK, a, nil); err != nil {
		return nil, nil, unidentified{err}
	}
	if resp.Close || x.reader.Buffered() > 0 {
		return nil, nil, unidentified{fmt.Errorf("%s: %w at %s: its connections end with every answer, so none can be asked "+
			"which engine it leads to; let what is in between keep them open", opIdentify, ErrUnreachable, e.Host())}
	}
	return resp.Header, body, nil
}

// infoLimit bounds what is read of an engine's answer about itself: some 10 KB.
const infoLimit = 4 << 20

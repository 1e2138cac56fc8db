package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/engine"
	"github.com/session-controller/session-controller/test/testenv"
)

// An engine whose process is stopped in its tracks answers nobody. When it goes on, it answers those that wait, and
// does what it was asked by those that do not any more.
func TestContractOfAStall(t *testing.T) {
	t.Parallel()
	private := testenv.StartEngine(t)
	genuine := newSide(t, private.Host())
	genuine.private = private
	genuine.stall(func() (thaw func()) {
		private.Freeze()
		return private.Thaw
	})
	fake := engine.New("stalled")
	ours := newSide(t, listen(t, fake))
	ours.fake = fake
	ours.stall(func() (thaw func()) { return fake.Add(engine.Trouble{Kind: engine.Stall, Late: true}) })
	ours.same(genuine)
}

func (s *side) stall(freeze func() (thaw func())) {
	s.t.Helper()
	s.create("forgotten", `{"Cmd":["/workload","sleep"]}`)
	s.create("awaited", `{"Cmd":["/workload","sleep"]}`)
	thaw := freeze()
	ctx, cancel := context.WithTimeout(s.t.Context(), 300*time.Millisecond)
	defer cancel()
	resp, err := s.try(ctx, http.MethodDelete, "/containers/"+s.ids["forgotten"])
	s.notef("given up: an answer %t, out of time %t", resp != 0, ctx.Err() != nil && err != nil)
	answered := make(chan string)
	go func() {
		resp, err := s.try(s.t.Context(), http.MethodDelete, "/containers/"+s.ids["awaited"])
		answered <- fmt.Sprint(resp, " ", err)
	}()
	thaw()
	s.notef("waited for: %s", <-answered)
	s.is("forgotten", dockerwatch.Gone)
	s.is("awaited", dockerwatch.Gone)
}

// try sends a request and returns the answer's status.
func (s *side) try(ctx context.Context, method, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

package batch_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/internal/batch"
)

// recorder is a call that takes a second and keeps what it was asked for.
type recorder struct {
	mu    sync.Mutex
	calls [][]int
	most  int
	now   int
}

func (r *recorder) call(_ context.Context, asked []int) []batch.Answer[string] {
	r.mu.Lock()
	r.calls = append(r.calls, asked)
	r.now++
	r.most = max(r.most, r.now)
	r.mu.Unlock()
	time.Sleep(time.Second) //nolint:forbidigo // a call takes its time
	r.mu.Lock()
	r.now--
	r.mu.Unlock()
	answers := make([]batch.Answer[string], 0, len(asked))
	for _, n := range asked {
		answer := batch.Answer[string]{Value: fmt.Sprint("answer ", n)}
		if n < 0 {
			answer = batch.Answer[string]{Err: errNegative}
		}
		answers = append(answers, answer)
	}
	return answers
}

var errNegative = errors.New("negative")

func TestCallersShareTheCallThatBeginsAfterTheyAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		b := batch.New(1, 0, r.call)
		var callers sync.WaitGroup
		ask := func(n int) {
			callers.Go(func() {
				if got, err := b.Do(t.Context(), n); err != nil || got != fmt.Sprint("answer ", n) {
					t.Errorf("%d was told %q, %v", n, got, err)
				}
			})
			synctest.Wait()
		}
		ask(1)
		ask(2)
		ask(3)
		time.Sleep(1500 * time.Millisecond) //nolint:forbidigo // until the second call is under way
		ask(4)
		callers.Wait()
		if diff := cmp.Diff([][]int{{1}, {2, 3}, {4}}, r.calls); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestEachCallerGetsTheErrorOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		b := batch.New(1, 0, r.call)
		go func() { _, _ = b.Do(t.Context(), 0) }()
		synctest.Wait()
		var callers sync.WaitGroup
		for _, n := range []int{1, -1, 2} {
			callers.Go(func() {
				if _, err := b.Do(t.Context(), n); errors.Is(err, errNegative) != (n < 0) {
					t.Errorf("%d was told %v", n, err)
				}
			})
		}
		callers.Wait()
	})
}

func TestACallBeginsBesideOneThatTakesLongerThanThePatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		b := batch.New(3, 100*time.Millisecond, r.call)
		var callers sync.WaitGroup
		ask := func(n int) {
			callers.Go(func() { _, _ = b.Do(t.Context(), n) })
			synctest.Wait()
		}
		began := time.Now()
		for n := range 10 {
			ask(n)
			time.Sleep(40 * time.Millisecond) //nolint:forbidigo // they come one after another
		}
		callers.Wait()
		if diff := cmp.Diff([][]int{{0}, {1, 2, 3}, {4, 5, 6}, {7, 8, 9}}, r.calls); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if took := time.Since(began); r.most != 3 || took != 2*time.Second {
			t.Errorf("%d calls were under way at once, in %s; want 3, and the last when the first ended", r.most, took)
		}
	})
}

func TestACallThatHangsDelaysNobodyWhileOthersMayBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		b := batch.New(2, time.Millisecond, func(_ context.Context, asked []int) []batch.Answer[int] {
			if asked[0] == 0 {
				<-release
			}
			return make([]batch.Answer[int], len(asked))
		})
		go func() { _, _ = b.Do(t.Context(), 0) }()
		synctest.Wait()
		for range 5 {
			if _, err := b.Do(t.Context(), 1); err != nil {
				t.Error(err)
			}
		}
		close(release)
		b.Wait()
	})
}

func TestACallGoesOnWhenACallerGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		b := batch.New(1, 0, func(ctx context.Context, asked []int) []batch.Answer[string] {
			answers := r.call(ctx, asked)
			if ctx.Err() != nil {
				t.Errorf("the call's context is done: %v", ctx.Err())
			}
			return answers
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			synctest.Wait()
			cancel()
		}()
		if _, err := b.Do(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("the one who gave up was told %v", err)
		}
		if got, err := b.Do(t.Context(), 2); err != nil || got != "answer 2" {
			t.Errorf("the next one was told %q, %v", got, err)
		}
		if _, err := b.Do(ctx, 3); !errors.Is(err, context.Canceled) {
			t.Errorf("one who had given up before was told %v", err)
		}
		b.Wait()
		if len(r.calls) != 2 {
			t.Errorf("calls: %v, want two", r.calls)
		}
	})
}

package sessiondb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/session-controller/session-controller/internal/wait"
)

// defaultPoll is PollInterval where none is given.
const defaultPoll = 2 * time.Second

// ChangeSource is where a feed hears of changes.
type ChangeSource string

const (
	// SourceNotify is the trigger that Migrate installs in PostgreSQL: every change of status or claim, at once.
	SourceNotify ChangeSource = "notify"
	// SourcePoll is a query every PollInterval: only rows that ended and still claim something.
	SourcePoll ChangeSource = "poll"
)

// ErrNotDelivered means that the database took the LISTEN and that a notification did not come back: a PgBouncer in
// transaction mode does that. The feed polls from then on.
var ErrNotDelivered = errors.New(
	"notifications do not arrive over this connection: connect past PgBouncer, or in session mode")

// ChangeState is what became of a feed.
type ChangeState struct {
	// Source is where changes come from, or would.
	Source ChangeSource
	// Connected reports that they come.
	Connected bool
	// Err is why they do not, or why the feed polls though there is a trigger. It holds no secret.
	Err error
	// Hint says what would be gained, and how, where changes could be told of and are polled for. Empty otherwise.
	Hint string
}

// hintMigrate is for a PostgreSQL table without the trigger.
const hintMigrate = "`session-controller migrate` installs a trigger: then a row that ends is acted on at once"

// ChangeHandlers are told of changes, one at a time. They must return promptly; a nil one is not called.
type ChangeHandlers struct {
	// OnChange is a hint that this session may have changed: it can come late, twice, or for a session that is no more.
	OnChange func(id string)
	// OnGap means that changes may have been missed: look at everything.
	OnGap func()
	// OnState is called when the state has changed.
	OnState func(ChangeState)
	// PollInterval is the time between two polls; 0 is 2 s.
	PollInterval time.Duration
}

// notifier is a backend that can be told of changes.
type notifier interface {
	// channel returns what a fitting trigger notifies, or "" when there is none.
	channel(ctx context.Context, s *Store) (string, error)
	// listen hears a channel until ctx is done or something fails; ready is called once nothing can be missed any more.
	listen(ctx context.Context, s *Store, channel string, ready func(), received func(id string)) error
}

// Changes follows the changes of the table until ctx is done, and then returns nil. Where the trigger is installed it
// is told of them; elsewhere it polls. It reconnects for ever: at once, and then after waits that grow to 30 s.
//
// It holds one connection of its own while it listens, and leaves no goroutine behind.
func (s *Store) Changes(ctx context.Context, handlers ChangeHandlers) error {
	f := &feed{store: s, handlers: handlers, poller: poller{store: s}}
	if f.handlers.PollInterval <= 0 {
		f.handlers.PollInterval = defaultPoll
	}
	defer f.poller.close()
	backoff, again := wait.Backoff{First: s.timing.FirstBackoff}, false
	for ctx.Err() == nil {
		worked, err := f.follow(ctx)
		if ctx.Err() != nil {
			break
		}
		if worked || err == nil {
			again = false
			backoff.Reset()
		}
		if err == nil {
			continue // only the source has changed
		}
		f.lost = true
		f.report(ChangeState{Source: f.source, Err: err})
		if again {
			wait.For(ctx, backoff.Next(s.timing.MaxBackoff), nil)
		}
		again = true
	}
	return nil
}

// feed is one run of Changes.
type feed struct {
	store        *Store
	handlers     ChangeHandlers
	poller       poller
	source       ChangeSource
	state        ChangeState
	told         bool  // state was reported once
	lost         bool  // something failed since changes last came
	notDelivered error // why there is no point in listening; nil while nothing is known against it
}

// follow takes changes from the source that there is now, until it fails or another one is there. worked reports that
// changes came at all.
func (f *feed) follow(ctx context.Context) (worked bool, err error) {
	n, canListen := f.store.backend.(notifier)
	channel := ""
	if canListen && f.notDelivered == nil {
		if channel, err = n.channel(ctx, f.store); err != nil {
			f.source = orPoll(f.source)
			return false, f.store.explain(ctx, "look for the notify trigger", err)
		}
	}
	if channel == "" {
		f.source = SourcePoll
		return f.poll(ctx)
	}
	f.source = SourceNotify
	err = n.listen(ctx, f.store, channel, func() {
		worked = true
		f.connected()
		f.gap() // whatever happened before is unknown
	}, func(id string) { f.change(ctx, id) })
	switch {
	case errors.Is(err, errNoTrigger):
		return worked, nil
	case errors.Is(err, ErrNotDelivered):
		f.notDelivered = err
		return worked, nil
	case err != nil:
		err = f.store.explain(ctx, "listen for changes", err)
	}
	return worked, err
}

func orPoll(source ChangeSource) ChangeSource {
	if source == "" {
		return SourcePoll
	}
	return source
}

// poll polls until something fails, or a trigger may have come.
func (f *feed) poll(ctx context.Context) (worked bool, err error) {
	until := time.Now().Add(f.store.timing.TriggerCheck)
	for ctx.Err() == nil && (f.notDelivered != nil || time.Now().Before(until)) {
		if err := f.poller.poll(ctx, func(id string) { f.change(ctx, id) }); err != nil {
			f.poller.close()
			return worked, f.store.explain(ctx, "read the ended sessions that claim a container", err)
		}
		worked = true
		if f.lost {
			f.gap()
		}
		f.connected()
		wait.For(ctx, f.handlers.PollInterval, nil)
	}
	return worked, nil
}

func (f *feed) connected() {
	f.lost = false
	state := ChangeState{Source: f.source, Connected: true, Err: f.notDelivered}
	if _, could := f.store.backend.(notifier); could && f.source == SourcePoll && f.notDelivered == nil {
		state.Hint = hintMigrate
	}
	f.report(state)
}

// report tells of a state that is another than before. Errors of one outage differ in their words only.
func (f *feed) report(state ChangeState) {
	same := f.told && state.Source == f.state.Source && state.Connected == f.state.Connected
	f.state, f.told = state, true
	if !same && f.handlers.OnState != nil {
		f.handlers.OnState(state)
	}
}

// change passes one change on. An empty id is one that did not fit into a notification.
func (f *feed) change(ctx context.Context, id string) {
	if id == "" {
		f.gap()
		return
	}
	if f.handlers.OnChange != nil && !f.foreign(ctx, id) {
		f.handlers.OnChange(id)
	}
}

// foreign reports whether a row is known to be another node's. The trigger tells of the rows of all nodes. A row that
// is no more, or cannot be read, is passed on: the look at it will show.
func (f *feed) foreign(ctx context.Context, id string) bool {
	if f.store.config.Node == "" || f.source != SourceNotify {
		return false // the poll reads no others
	}
	row, err := f.store.Get(ctx, id)
	return err == nil && row.Node != f.store.config.Node
}

func (f *feed) gap() {
	if f.handlers.OnGap != nil {
		f.handlers.OnGap()
	}
}

var errNoTrigger = fmt.Errorf("there is no trigger %s any more", triggerName)

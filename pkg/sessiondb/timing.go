package sessiondb

import (
	"cmp"
	"fmt"
	"time"
)

// Timing says how long a Store waits for its database. A field that is zero has its default; none may be negative. It
// is for programs and tests that need other waits: a configuration file cannot set it.
type Timing struct {
	// Read bounds a read, from the wait for a connection to the last row; 0 is 5 s. A read takes 1–2 ms, so 5 s is more
	// than a thousand times that: what has not come by then does not come.
	Read time.Duration
	// Write bounds a write, which goes on after its caller was cancelled; 0 is 5 s. With the socketGrace on top it ends
	// within 6 s, inside the 10 s in which a controller must have stopped.
	Write time.Duration
	// Stream bounds the whole of a stream, the consumer's own time included; 0 is 30 s: half of the default resync period
	// of 60 s, so that a slow sweep has ended before the next one is due.
	Stream time.Duration
	// Ping is how often a listening connection is tried; 0 is 10 s. A connection on which nothing arrives looks the same
	// whether nothing happens or the network is gone, so that a lost one is noticed after two and a half pings (25 s).
	Ping time.Duration
	// Echo is how long the first notification may take to come back; 0 is 5 s. It takes 1 ms.
	Echo time.Duration
	// FirstBackoff follows the first failure of a feed; 0 is 100 ms. The first try after a loss is made at once.
	FirstBackoff time.Duration
	// MaxBackoff is the longest wait between two tries of a feed; 0 is 30 s. Changes that are missed meanwhile are found
	// by OnGap.
	MaxBackoff time.Duration
	// TriggerCheck is how often a feed that polls looks whether a trigger has come; 0 is 10 s. It reads one row of the
	// catalogue.
	TriggerCheck time.Duration
}

// The defaults of Timing. Each has its reason beside its field.
const (
	defaultRead         = 5 * time.Second
	defaultWrite        = 5 * time.Second
	defaultStream       = 30 * time.Second
	defaultPing         = 10 * time.Second
	defaultEcho         = 5 * time.Second
	defaultFirstBackoff = 100 * time.Millisecond
	defaultMaxBackoff   = 30 * time.Second
	defaultTriggerCheck = 10 * time.Second
)

// withDefaults replaces the fields that are zero.
func (t Timing) withDefaults() Timing {
	return Timing{
		Read:         cmp.Or(t.Read, defaultRead),
		Write:        cmp.Or(t.Write, defaultWrite),
		Stream:       cmp.Or(t.Stream, defaultStream),
		Ping:         cmp.Or(t.Ping, defaultPing),
		Echo:         cmp.Or(t.Echo, defaultEcho),
		FirstBackoff: cmp.Or(t.FirstBackoff, defaultFirstBackoff),
		MaxBackoff:   cmp.Or(t.MaxBackoff, defaultMaxBackoff),
		TriggerCheck: cmp.Or(t.TriggerCheck, defaultTriggerCheck),
	}
}

// busy is how long SQLite itself waits for another process's write: four fifths of the shorter of Read and Write (4 s
// of 5 s), so that a busy file is reported as busy and not as a deadline that was missed.
func (t Timing) busy() time.Duration {
	const fifths = 5
	shorter := min(t.Read, t.Write)
	return shorter - shorter/fifths
}

// socket is how long one read or write of a connection's socket may take: socketGrace more than a statement.
func (t Timing) socket() time.Duration { return max(t.Read, t.Write) + socketGrace }

// listen is the same for the listening connection, which waits for notifications: two answers to a ping may be missed,
// and the third comes after this.
func (t Timing) listen() time.Duration { return t.Ping * 5 / 2 }

func (t Timing) validate() error {
	for _, wait := range []struct {
		field string
		value time.Duration
	}{
		{"Read", t.Read}, {"Write", t.Write}, {"Stream", t.Stream}, {"Ping", t.Ping}, {"Echo", t.Echo},
		{"FirstBackoff", t.FirstBackoff}, {"MaxBackoff", t.MaxBackoff}, {"TriggerCheck", t.TriggerCheck},
	} {
		if wait.value < 0 {
			return fmt.Errorf("the wait Timing.%s is %v: give a wait, or 0 for the default", wait.field, wait.value)
		}
	}
	if all := t.withDefaults(); all.FirstBackoff > all.MaxBackoff {
		return fmt.Errorf("the wait Timing.FirstBackoff is %v and MaxBackoff %v: the first wait is the shortest one",
			all.FirstBackoff, all.MaxBackoff)
	}
	return nil
}

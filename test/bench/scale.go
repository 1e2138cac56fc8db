package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/lib/pq"
)

// What 1,000,000 sessions on 1,000 engines cost one database is calculated from parts that can be measured here: what
// one of the 1,000 controllers asks, over a table of that size.
const (
	scaleRows  = 1_000_000
	scaleNodes = 1_000
	// scaleAsks is how many queries a part is the median of.
	scaleAsks = 21
	// listeners is how many connections listen, and notices how many changes they are all told of.
	listeners = 100
	notices   = 2_000
)

// scale measures the parts.
func scale(ctx context.Context, opts options) (figures []figure, err error) {
	b, err := newBed(ctx, opts, "scale", "")
	if err != nil {
		return nil, err
	}
	defer func() { err = orElse(err, b.close(ctx)) }()

	if err := b.statements(ctx,
		"ALTER TABLE sessions ADD COLUMN node text",
		"ALTER TABLE sessions DISABLE TRIGGER USER",
		fmt.Sprintf(`INSERT INTO sessions (id, status, container_id, node)
			SELECT 'session-' || n, 'ACTIVE', md5(n::text) || md5((-n)::text), 'node-' || n %% %d
			FROM generate_series(1, %d) AS n`, scaleNodes, scaleRows),
		"ALTER TABLE sessions ENABLE TRIGGER USER",
		"VACUUM ANALYZE sessions",
	); err != nil {
		return nil, err
	}

	without, err := b.sweepOfANode(ctx, "scale_sweep_query")
	if err != nil {
		return nil, err
	}

	if err := b.statements(ctx, "CREATE INDEX by_node ON sessions (node)", "ANALYZE sessions"); err != nil {
		return nil, err
	}

	with, err := b.sweepOfANode(ctx, "scale_sweep_query_node_index")
	if err != nil {
		return nil, err
	}

	claimants, err := b.claimants(ctx)
	if err != nil {
		return nil, err
	}

	sizes, err := b.sizes(ctx)
	if err != nil {
		return nil, err
	}

	told, err := b.tell(ctx)

	return append([]figure{without, with, claimants, told}, sizes...), err
}

// asked is the median time of a query that is read to the end.
func (b *bed) asked(ctx context.Context, name, query string, args func(i int) []any) (figure, error) {
	var samples []float64

	for i := range scaleAsks {
		took, err := timed(func() error {
			rows, err := b.db.QueryContext(ctx, query, args(i)...)
			if err != nil {
				return fmt.Errorf("ask for %s: %w", name, err)
			}

			for rows.Next() { // they only have to come
			}

			return errors.Join(rows.Err(), rows.Close())
		})
		if err != nil {
			return figure{}, err
		}

		samples = append(samples, took)
	}

	return figure{Name: name, Value: median(samples), Unit: seconds, Runs: scaleAsks}, nil
}

// sweepOfANode is the query of one controller's sweep: the claims of its own node.
func (b *bed) sweepOfANode(ctx context.Context, name string) (figure, error) {
	return b.asked(ctx, name,
		"SELECT id, status, container_id, node FROM sessions WHERE container_id > '' AND id IS NOT NULL AND node = $1",
		func(i int) []any { return []any{fmt.Sprintf("node-%d", i)} })
}

// claimants is the query for the rows that could mean one container, by every form of its id.
func (b *bed) claimants(ctx context.Context) (figure, error) {
	return b.asked(ctx, "scale_claimants_query",
		"SELECT id, status, container_id FROM sessions WHERE container_id = ANY($1) AND id IS NOT NULL",
		func(i int) []any {
			const shortest, longest = 12, 64

			id := fmt.Sprintf("%064x", i)

			var forms []string
			for n := shortest; n <= longest; n++ {
				forms = append(forms, id[:n])
			}

			return []any{pq.Array(forms)}
		})
}

func (b *bed) sizes(ctx context.Context) ([]figure, error) {
	var figures []figure

	for name, query := range map[string]string{
		"scale_table_size":   "SELECT pg_table_size('sessions')",
		"scale_indexes_size": "SELECT pg_indexes_size('sessions')",
	} {
		n, err := b.counted(ctx, query)
		if err != nil {
			return nil, err
		}

		const mebibyte = 1 << 20

		figures = append(figures, figure{Name: name, Value: float64(n) / mebibyte, Unit: mebibytes, Runs: 1})
	}

	return figures, nil
}

// tell measures how long it takes until all listeners have heard of one change, over many changes of a row each.
func (b *bed) tell(ctx context.Context) (_ figure, err error) {
	const channel = "bench_scale"

	var all []*pq.Listener

	defer func() {
		for _, l := range all {
			err = errors.Join(err, l.Close())
		}
	}()

	for range listeners {
		l := pq.NewListener(b.db.URL, time.Second, time.Second, nil)
		all = append(all, l)

		if err := l.Listen(channel); err != nil {
			return figure{}, fmt.Errorf("listen to %s: %w", channel, err)
		}
	}

	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()

	heard := make(chan error)

	for _, l := range all {
		go func() {
			for range notices {
				select {
				case <-l.Notify:
				case <-ctx.Done():
					heard <- ctx.Err()

					return
				}
			}

			heard <- nil
		}()
	}

	took, err := timed(func() error {
		for i := range notices {
			if _, err := b.db.ExecContext(ctx, "SELECT pg_notify($1, $2)", channel, strconv.Itoa(i)); err != nil {
				cancel()

				return fmt.Errorf("notify %s: %w", channel, err)
			}
		}

		return nil
	})

	began := time.Now()

	for range all {
		err = errors.Join(err, <-heard)
	}

	took += time.Since(began).Seconds()

	return figure{
		Name: "scale_notice_per_listener", Value: took / notices / listeners, Unit: seconds, Runs: notices,
	}, err
}

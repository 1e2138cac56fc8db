package rig

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/lib/pq"
)

// databaseTimeout bounds the making of a database and its end.
const databaseTimeout = 30 * time.Second

// Database is a database of a run's own, and a connection pool to it.
type Database struct {
	*sql.DB

	// URL is its address, with the password.
	URL string

	server *sql.DB
	name   string
}

// CreateDatabase creates an empty database on the server that [PostgresVariable] names. Its name begins with prefix.
func CreateDatabase(ctx context.Context, prefix string) (*Database, error) {
	// An interruption must not come between the making and the knowing: nobody would drop it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), databaseTimeout)
	defer cancel()

	text := os.Getenv(PostgresVariable)
	if text == "" {
		return nil, fmt.Errorf("this needs a PostgreSQL server and %s is not set: %s", PostgresVariable, HowToGet)
	}

	address, err := url.Parse(text)
	if err != nil {
		// The error is left out because it quotes the URL with its password.
		return nil, fmt.Errorf("%s is not a URL: set it to one such as postgres://user:password@host:port/postgres",
			PostgresVariable)
	}

	server, err := sql.Open("postgres", text)
	if err != nil {
		return nil, fmt.Errorf("open the server of %s: %w", PostgresVariable, err)
	}

	d := &Database{server: server, name: prefix + "_" + strings.ToLower(rand.Text()[:16])}
	if _, err := server.ExecContext(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(d.name)); err != nil {
		return nil, errors.Join(
			fmt.Errorf("create a database on the server of %s: %w: %s", PostgresVariable, err, HowToGet), server.Close())
	}

	address.Path = "/" + d.name
	d.URL = address.String()

	d.DB, err = sql.Open("postgres", d.URL)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", d.name, err), d.Drop(ctx))
	}

	return d, nil
}

// Drop takes the database away, whoever is connected to it.
func (d *Database) Drop(ctx context.Context) error {
	var errs []error
	if d.DB != nil {
		errs = append(errs, d.Close())
	}

	_, err := d.server.ExecContext(ctx, "DROP DATABASE "+pq.QuoteIdentifier(d.name)+" WITH (FORCE)")
	if err != nil {
		errs = append(errs, fmt.Errorf("drop the database %s: %w; drop it by hand", d.name, err))
	}

	return errors.Join(append(errs, d.server.Close())...)
}

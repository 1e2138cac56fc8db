package sessiondb_test

import (
	"fmt"
	"strconv"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// shape is one way in which users really lay out their sessions table.
type shape struct {
	name   string
	reason string
	sqlite bool
	ddl    []string
	table  string
	column sessiondb.Columns
	format string
	query  string           // of the URL
	id     func(int) string // the n-th id that the id column can hold
	// notNull: a released claim is empty instead of NULL. nullStatus: the status column can be NULL.
	notNull, nullStatus bool
}

func textID(n int) string   { return fmt.Sprintf("session-%d", n) }
func uuidID(n int) string   { return fmt.Sprintf("a0eebc99-9c0b-4ef8-bb6d-%012d", n) }
func bigintID(n int) string { return strconv.Itoa(7_000_000_000 + n) }

func withUpdatedAt() sessiondb.Columns {
	c := sessiondb.DefaultConfig().Columns
	c.UpdatedAt = "changed"
	return c
}

// shapes are what every conformance test runs against.
func shapes() []shape {
	plain := sessiondb.DefaultConfig().Columns
	prisma := sessiondb.Columns{ID: "id", Status: "status", ContainerID: "containerId", UpdatedAt: "updatedAt"}
	origin := sessiondb.Columns{ID: "id", Status: "session_state", ContainerID: "container", UpdatedAt: "updated_at"}
	return []shape{
		{
			name: "postgres/plain", reason: "the default configuration fits the plainest table",
			ddl:   []string{`CREATE TABLE sessions (id text PRIMARY KEY, status text, container_id text)`},
			table: "sessions", column: plain, id: textID, nullStatus: true,
		},
		{
			name:   "postgres/prisma",
			reason: "Prisma quotes CamelCase names, has native enums and uuids, and its own parameters in the URL",
			ddl: []string{
				`CREATE SCHEMA app`,
				`CREATE TYPE app."SessionStatus" AS ENUM ('ACTIVE', 'IDLE', 'ERROR', 'TERMINATED', 'SUSPENDED')`,
				`CREATE TABLE app."Session" (id uuid PRIMARY KEY, status app."SessionStatus", "containerId" text,
					"updatedAt" timestamp(3) NOT NULL DEFAULT now())`,
			},
			table:      "Session",
			column:     prisma,
			id:         uuidID,
			nullStatus: true,
			query: "schema=app&connection_limit=5&pool_timeout=10&sslaccept=accept_invalid_certs&pgbouncer=true" +
				"&timezone=Asia%2FTokyo",
		},
		{
			name:   "postgres/bigint",
			reason: "ids can be numbers, and a claim column NOT NULL is released by emptying it",
			ddl: []string{
				`CREATE TABLE sessions (id bigint PRIMARY KEY, status varchar(20),
					container_id varchar(64) NOT NULL DEFAULT '', changed bigint)`,
			},
			table:      "public.sessions",
			column:     withUpdatedAt(),
			format:     sessiondb.TimeFormatUnix,
			id:         bigintID,
			notNull:    true,
			nullStatus: true,
		},
		{
			name: "postgres/domain", reason: "a domain counts as the type it is made of, and char(n) pads what it stores",
			ddl: []string{
				`CREATE DOMAIN state AS text CHECK (length(value) < 30)`,
				`CREATE TABLE "my sessions" (id char(20) PRIMARY KEY, status state, container_id char(70), changed timestamptz)`,
			},
			table: "my sessions", column: withUpdatedAt(), id: textID, nullStatus: true,
		},
		{
			name: "sqlite/plain", reason: "the default configuration fits the plainest table", sqlite: true,
			ddl:   []string{`CREATE TABLE sessions (id TEXT PRIMARY KEY, status TEXT, container_id TEXT)`},
			table: "sessions", column: plain, id: textID, nullStatus: true,
		},
		{
			name: "sqlite/origin", reason: "the origin's table, written by another process in WAL mode", sqlite: true,
			ddl: []string{
				`PRAGMA journal_mode = WAL`,
				`CREATE TABLE "Session" (id TEXT NOT NULL PRIMARY KEY, session_state TEXT, container TEXT, updated_at INTEGER)`,
			},
			table: "Session", column: origin, format: sessiondb.TimeFormatUnix, id: textID, nullStatus: true,
			query: "connection_limit=1",
		},
		{
			name:   "sqlite/integer",
			reason: "ids can be numbers, and a claim column NOT NULL is released by emptying it",
			sqlite: true,
			ddl: []string{
				`CREATE TABLE sessions (id INTEGER PRIMARY KEY, status TEXT NOT NULL,
					container_id TEXT NOT NULL DEFAULT '', changed INTEGER)`,
			},
			table:   "sessions",
			column:  withUpdatedAt(),
			format:  sessiondb.TimeFormatUnixMilli,
			id:      bigintID,
			notNull: true,
		},
		{
			name:   "sqlite/without-rowid",
			reason: "a table without rowid is paged by its key",
			sqlite: true,
			ddl: []string{
				`CREATE TABLE sessions (id VARCHAR(40) PRIMARY KEY, status TEXT, container_id TEXT, changed TEXT) WITHOUT ROWID`,
			},
			table:      "sessions",
			column:     withUpdatedAt(),
			id:         textID,
			nullStatus: true,
		},
	}
}

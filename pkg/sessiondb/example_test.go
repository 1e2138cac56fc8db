package sessiondb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// A session server opens its table with the same configuration as the controller, saves the id of each container right
// after it has created it, and removes the container again when the session was ended meanwhile.
func Example() {
	ctx := context.Background()
	cfg, cleanUp := exampleDatabase(ctx)
	defer cleanUp()

	server, err := sessiondb.OpenServer(ctx, cfg)
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = server.Close() }()

	for _, session := range []string{"alive", "ended"} {
		container := "claude-work-" + session // docker create --name …
		switch err := server.SaveContainerID(ctx, session, container); {
		case errors.Is(err, sessiondb.ErrNotLive), errors.Is(err, sessiondb.ErrClaimsAnother):
			fmt.Println("remove container", container) // docker rm …
		case err != nil:
			log.Panic(err) // ErrUnreachable: call it again
		default:
			fmt.Println("start container", container) // docker start …
		}
	}
	// Output:
	// start container claude-work-alive
	// remove container claude-work-ended
}

// After a restart a server finds its containers by what the rows claim.
func ExampleServer_ContainerID() {
	ctx := context.Background()
	cfg, cleanUp := exampleDatabase(ctx)
	defer cleanUp()

	server, err := sessiondb.OpenServer(ctx, cfg)
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = server.Close() }()

	container, err := server.ContainerID(ctx, "ended")
	fmt.Printf("%q %v\n", container, err)
	_, err = server.ContainerID(ctx, "never-heard-of")
	fmt.Println(errors.Is(err, sessiondb.ErrNotFound))
	// Output:
	// "claude-work-before" <nil>
	// true
}

// A server that stops a container itself clears the claim before that, so that the end is taken for no crash.
func ExampleServer_ClearContainerID() {
	ctx := context.Background()
	cfg, cleanUp := exampleDatabase(ctx)
	defer cleanUp()

	server, err := sessiondb.OpenServer(ctx, cfg)
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = server.Close() }()

	err = server.ClearContainerID(ctx, "ended", "some-other-container")
	fmt.Println(errors.Is(err, sessiondb.ErrClaimsAnother))
	fmt.Println(server.ClearContainerID(ctx, "ended", "claude-work-before"))
	// Output:
	// true
	// <nil>
}

// exampleDatabase makes a database with one live session and one that has ended.
func exampleDatabase(ctx context.Context) (cfg sessiondb.Config, cleanUp func()) {
	dir, err := os.MkdirTemp("", "sessiondb-example-")
	if err != nil {
		panic(err)
	}
	cfg = sessiondb.DefaultConfig()
	cfg.URL = "file:" + filepath.Join(dir, "sessions.db")
	if _, err := sessiondb.CreateSessionsTable(ctx, cfg); err != nil {
		panic(err)
	}
	fill(ctx, cfg.URL, `INSERT INTO sessions VALUES ('alive', 'ACTIVE', NULL), ('ended', 'ERROR', 'claude-work-before')`)
	return cfg, func() { _ = os.RemoveAll(dir) }
}

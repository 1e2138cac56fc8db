package controllers

import (
	"context"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// identified is an engine that says who it is.
type identified struct {
	Engine

	info dockerwatch.Info
}

func (identified) Host() string { return "unix:///this" }

func (identified) DropConnections() {}

func (i identified) Info(context.Context) (dockerwatch.Info, error) { return i.info, nil }

// listing is an engine that lists something.
type listing struct {
	identified

	containers []dockerwatch.Container
}

func (l listing) List(context.Context) (dockerwatch.Listing, error) {
	return dockerwatch.Listing{Engine: l.info.Identity(), Containers: l.containers}, nil
}

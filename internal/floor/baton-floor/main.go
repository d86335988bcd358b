// Command baton-floor syncs a made-up workspace without any request, for
// benchmarks.
package main

import (
	"context"

	"github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/connectorrunner"

	"github.com/conductorone/baton-whimsical/internal/floor"
)

func main() {
	config.RunConnector(context.Background(), "baton-floor", "bench", floor.Configuration, floor.New,
		connectorrunner.WithDefaultCapabilitiesConnectorBuilderV2(&floor.Connector{}))
}

package batontest

import (
	"context"
	"errors"

	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	sdksync "github.com/conductorone/baton-sdk/pkg/sync"
	"github.com/conductorone/baton-sdk/pkg/types"

	"github.com/conductorone/baton-whimsical/internal/inprocess"
)

// Harness syncs a connector in this process.
type Harness struct {
	// Client calls the connector as the SDK does.
	Client types.ConnectorClient

	host     *inprocess.Host
	sessions *inprocess.Sessions
}

// Start serves connector until Close is called. Calls that come before a sync have a
// session store in memory.
func Start(ctx context.Context, connector connectorbuilder.ConnectorBuilderV2) (*Harness, error) {
	sessions := &inprocess.Sessions{SessionStore: &Store{}}
	server, err := connectorbuilder.NewConnector(ctx, connector, connectorbuilder.WithSessionStore(sessions))
	if err != nil {
		return nil, err
	}
	host, err := inprocess.Start(ctx, server)
	if err != nil {
		return nil, err
	}
	return &Harness{Client: host, host: host, sessions: sessions}, nil
}

// Close stops serving.
func (h *Harness) Close() {
	h.host.Close()
}

// Sync runs one sync into the file at path, failing on data that the SDK calls
// inconsistent. Options narrow the sync.
func (h *Harness) Sync(ctx context.Context, path string, options ...sdksync.SyncOpt) error {
	syncer, err := sdksync.NewSyncer(ctx, h.Client, append([]sdksync.SyncOpt{
		sdksync.WithC1ZPath(path),
		sdksync.WithSessionStore(h.sessions),
		sdksync.WithFailFastInvariants(),
	}, options...)...)
	if err != nil {
		return err
	}
	err = syncer.Sync(ctx)
	return errors.Join(err, syncer.Close(ctx))
}

// Package batontest runs the SDK's real syncer over a connector in this process, and
// reads .c1z files back. Use it to check what a sync holds: [Read] reads the file of any process, [Start]
// serves a connector without a process of its own.
//
//	h, err := batontest.Start(ctx, connector)
//	err = h.Sync(ctx, "sync.c1z")
//	picture, err := batontest.Read(ctx, "sync.c1z")
//	for _, line := range picture.Access().Differences(batontest.Expected(workspace.Users())) {
//		t.Error(line)
//	}
package batontest

import (
	"context"
	"errors"
	"fmt"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	reader_v2 "github.com/conductorone/baton-sdk/pb/c1/reader/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
	sdksync "github.com/conductorone/baton-sdk/pkg/sync"

	"github.com/conductorone/baton-whimsical/internal/inprocess"
)

// Picture is everything that a completed sync holds, by id.
type Picture struct {
	Resources    map[string]*v2.Resource // "type:id"
	Entitlements map[string]*v2.Entitlement
	Grants       map[string]*v2.Grant
}

// Read returns what the last completed sync of any type in a .c1z file holds. It fails when there is none, and
// when an id occurs twice.
func Read(ctx context.Context, path string) (_ *Picture, err error) {
	store, err := dotc1z.NewStore(ctx, path, dotc1z.WithReadOnly(true))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be opened: %w", path, err)
	}
	defer func() { err = errors.Join(err, store.Close(ctx)) }()
	latest, err := store.GetLatestFinishedSync(ctx, reader_v2.SyncsReaderServiceGetLatestFinishedSyncRequest_builder{
		SyncType: string(connectorstore.SyncTypeAny),
	}.Build())
	if err != nil {
		return nil, err
	}
	id := latest.GetSync().GetId()
	if id == "" {
		return nil, fmt.Errorf("%s holds no completed sync", path)
	}
	p := &Picture{}
	var errs [3]error
	p.Resources, errs[0] = all(func(token string) (page[*v2.Resource], error) {
		return store.ListResources(ctx, v2.ResourcesServiceListResourcesRequest_builder{PageToken: token, ActiveSyncId: id}.Build())
	}, func(r *v2.Resource) string { return r.GetId().GetResourceType() + ":" + r.GetId().GetResource() })
	p.Entitlements, errs[1] = all(func(token string) (page[*v2.Entitlement], error) {
		return store.ListEntitlements(ctx, v2.EntitlementsServiceListEntitlementsRequest_builder{PageToken: token, ActiveSyncId: id}.Build())
	}, (*v2.Entitlement).GetId)
	p.Grants, errs[2] = all(func(token string) (page[*v2.Grant], error) {
		return store.ListGrants(ctx, v2.GrantsServiceListGrantsRequest_builder{PageToken: token, ActiveSyncId: id}.Build())
	}, (*v2.Grant).GetId)
	return p, errors.Join(errs[:]...)
}

// page is an answer with a page of a listing.
type page[T any] interface {
	GetList() []T
	GetNextPageToken() string
}

// all reads the pages of a listing to the end.
func all[T any](list func(token string) (page[T], error), id func(T) string) (map[string]T, error) {
	found := map[string]T{}
	for token := ""; ; {
		rows, err := list(token)
		if err != nil {
			return nil, err
		}
		for _, row := range rows.GetList() {
			if _, ok := found[id(row)]; ok {
				return nil, fmt.Errorf("%s occurs twice", id(row))
			}
			found[id(row)] = row
		}
		if token = rows.GetNextPageToken(); token == "" {
			return found, nil
		}
	}
}

// Harness syncs a connector in this process.
type Harness struct {
	Client *inprocess.Host // calls the connector as the SDK does

	sessions *inprocess.Sessions
}

// Start serves connector until Close is called. Calls that come before a sync have a session store in memory.
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
	return &Harness{Client: host, sessions: sessions}, nil
}

// Close stops serving.
func (h *Harness) Close() { h.Client.Close() }

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

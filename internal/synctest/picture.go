// Package synctest runs the SDK's real syncer over a connector in this process
// and reads the result back, for tests and benchmarks.
package synctest

import (
	"context"
	"errors"
	"fmt"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	reader_v2 "github.com/conductorone/baton-sdk/pb/c1/reader/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
)

// ErrNoSync means that a file holds no completed sync.
var ErrNoSync = errors.New("the file holds no completed sync")

// Picture is everything that a completed sync holds, by id.
type Picture struct {
	Resources    map[string]*v2.Resource // "type:id"
	Entitlements map[string]*v2.Entitlement
	Grants       map[string]*v2.Grant
}

// Read returns what the last completed sync of any type in a .c1z file holds.
// It fails with ErrNoSync when there is none.
func Read(ctx context.Context, path string) (*Picture, error) {
	store, err := dotc1z.NewStore(ctx, path, dotc1z.WithReadOnly(true))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be opened: %w", path, err)
	}
	picture, err := readLatest(ctx, store)
	return picture, errors.Join(err, store.Close(ctx))
}

func readLatest(ctx context.Context, store connectorstore.Reader) (*Picture, error) {
	latest, err := store.GetLatestFinishedSync(ctx, reader_v2.SyncsReaderServiceGetLatestFinishedSyncRequest_builder{
		SyncType: string(connectorstore.SyncTypeAny),
	}.Build())
	if err != nil {
		return nil, err
	}
	if latest.GetSync().GetId() == "" {
		return nil, ErrNoSync
	}
	return read(ctx, store, latest.GetSync().GetId())
}

func read(ctx context.Context, store connectorstore.Reader, syncID string) (*Picture, error) {
	p := &Picture{
		Resources:    map[string]*v2.Resource{},
		Entitlements: map[string]*v2.Entitlement{},
		Grants:       map[string]*v2.Grant{},
	}
	err := pages(func(token string) (string, error) {
		resp, err := store.ListResources(ctx, v2.ResourcesServiceListResourcesRequest_builder{PageToken: token, ActiveSyncId: syncID}.Build())
		for _, r := range resp.GetList() {
			p.Resources[r.GetId().GetResourceType()+":"+r.GetId().GetResource()] = r
		}
		return resp.GetNextPageToken(), err
	})
	if err != nil {
		return nil, err
	}
	err = pages(func(token string) (string, error) {
		resp, err := store.ListEntitlements(ctx, v2.EntitlementsServiceListEntitlementsRequest_builder{PageToken: token, ActiveSyncId: syncID}.Build())
		for _, e := range resp.GetList() {
			p.Entitlements[e.GetId()] = e
		}
		return resp.GetNextPageToken(), err
	})
	if err != nil {
		return nil, err
	}
	err = pages(func(token string) (string, error) {
		resp, err := store.ListGrants(ctx, v2.GrantsServiceListGrantsRequest_builder{PageToken: token, ActiveSyncId: syncID}.Build())
		for _, g := range resp.GetList() {
			p.Grants[g.GetId()] = g
		}
		return resp.GetNextPageToken(), err
	})
	return p, err
}

func pages(read func(token string) (string, error)) error {
	for token := ""; ; {
		next, err := read(token)
		if err != nil || next == "" {
			return err
		}
		token = next
	}
}

package synctest

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"

	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	sdksync "github.com/conductorone/baton-sdk/pkg/sync"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/conductorone/baton-sdk/pkg/types/sessions"

	"github.com/conductorone/baton-whimsical/internal/inprocess"
)

// Harness syncs a connector in this process.
type Harness struct {
	// Client calls the connector as the SDK does.
	Client types.ConnectorClient

	host     *inprocess.Host
	sessions *inprocess.Sessions
}

// Start serves connector until Close is called.
func Start(ctx context.Context, connector connectorbuilder.ConnectorBuilderV2) (*Harness, error) {
	sessions := &inprocess.Sessions{}
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

// MemoryStore is a session store in memory, with the methods that the connector uses.
// They are safe for concurrent use.
type MemoryStore struct {
	sessions.SessionStore // nil: any other method panics

	mu sync.Mutex
	// values are by sync, prefix and key.
	values map[string][]byte
	// written counts the values that were set so far, cleared ones included.
	written int
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{values: map[string][]byte{}}
}

// Counts returns how many values are stored and how many were ever set.
func (s *MemoryStore) Counts() (int, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.values), s.written
}

// place returns where the values are that options name.
func place(ctx context.Context, options []sessions.SessionStoreOption) (string, error) {
	var bag sessions.SessionStoreBag
	for _, option := range options {
		if err := option(ctx, &bag); err != nil {
			return "", err
		}
	}
	return bag.SyncID + "\x00" + bag.Prefix, nil
}

// GetMany implements sessions.SessionStore.
func (s *MemoryStore) GetMany(ctx context.Context, keys []string, options ...sessions.SessionStoreOption) (map[string][]byte, []string, error) {
	place, err := place(ctx, options)
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string][]byte{}
	for _, key := range keys {
		if value, ok := s.values[place+"\x00"+key]; ok {
			found[key] = value
		}
	}
	return found, nil, err
}

// SetMany implements sessions.SessionStore.
func (s *MemoryStore) SetMany(ctx context.Context, values map[string][]byte, options ...sessions.SessionStoreOption) error {
	place, err := place(ctx, options)
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range values {
		s.values[place+"\x00"+key] = value
		s.written++
	}
	return err
}

// Clear implements sessions.SessionStore. Without a prefix, all values of a sync go.
func (s *MemoryStore) Clear(ctx context.Context, options ...sessions.SessionStoreOption) error {
	place, err := place(ctx, options)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.values, func(name string, _ []byte) bool { return strings.HasPrefix(name, place) })
	return err
}

package synctest

import (
	"context"
	"maps"
	"strings"
	"sync"

	"github.com/conductorone/baton-sdk/pkg/types/sessions"
)

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
func (s *MemoryStore) Counts() (stored, written int) {
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

// Get implements sessions.SessionStore.
func (s *MemoryStore) Get(ctx context.Context, key string, options ...sessions.SessionStoreOption) ([]byte, bool, error) {
	found, _, err := s.GetMany(ctx, []string{key}, options...)
	value, ok := found[key]
	return value, ok, err
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

// Set implements sessions.SessionStore.
func (s *MemoryStore) Set(ctx context.Context, key string, value []byte, options ...sessions.SessionStoreOption) error {
	return s.SetMany(ctx, map[string][]byte{key: value}, options...)
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

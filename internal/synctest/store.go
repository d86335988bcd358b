package synctest

import (
	"context"
	"maps"
	"sync"

	"github.com/conductorone/baton-sdk/pkg/types/sessions"
)

// MemoryStore is a session store in memory. All methods are safe for concurrent use.
type MemoryStore struct {
	mu sync.Mutex
	// values are kept by sync and prefix.
	values map[sessions.SessionStoreBag]map[string][]byte
	// written counts the values that were set so far, cleared ones included.
	written int
}

var _ sessions.SessionStore = (*MemoryStore)(nil)

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{values: map[sessions.SessionStoreBag]map[string][]byte{}}
}

// Counts returns how many values are stored and how many were ever set.
func (s *MemoryStore) Counts() (stored, written int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, values := range s.values {
		stored += len(values)
	}
	return stored, s.written
}

// of runs use on the values that options name.
func (s *MemoryStore) of(ctx context.Context, options []sessions.SessionStoreOption, use func(values map[string][]byte)) error {
	var bag sessions.SessionStoreBag
	for _, option := range options {
		if err := option(ctx, &bag); err != nil {
			return err
		}
	}
	bag.PageToken = ""
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values[bag] == nil {
		s.values[bag] = map[string][]byte{}
	}
	use(s.values[bag])
	return nil
}

// Get implements sessions.SessionStore.
func (s *MemoryStore) Get(ctx context.Context, key string, options ...sessions.SessionStoreOption) (value []byte, found bool, err error) {
	err = s.of(ctx, options, func(values map[string][]byte) { value, found = values[key] })
	return value, found, err
}

// GetMany implements sessions.SessionStore.
func (s *MemoryStore) GetMany(ctx context.Context, keys []string, options ...sessions.SessionStoreOption) (map[string][]byte, []string, error) {
	found := map[string][]byte{}
	err := s.of(ctx, options, func(values map[string][]byte) {
		for _, key := range keys {
			if value, ok := values[key]; ok {
				found[key] = value
			}
		}
	})
	return found, nil, err
}

// Set implements sessions.SessionStore.
func (s *MemoryStore) Set(ctx context.Context, key string, value []byte, options ...sessions.SessionStoreOption) error {
	return s.SetMany(ctx, map[string][]byte{key: value}, options...)
}

// SetMany implements sessions.SessionStore.
func (s *MemoryStore) SetMany(ctx context.Context, added map[string][]byte, options ...sessions.SessionStoreOption) error {
	return s.of(ctx, options, func(values map[string][]byte) {
		maps.Copy(values, added)
		s.written += len(added)
	})
}

// Delete implements sessions.SessionStore.
func (s *MemoryStore) Delete(ctx context.Context, key string, options ...sessions.SessionStoreOption) error {
	return s.of(ctx, options, func(values map[string][]byte) { delete(values, key) })
}

// Clear implements sessions.SessionStore. Without a prefix, the values of all of
// them go.
func (s *MemoryStore) Clear(ctx context.Context, options ...sessions.SessionStoreOption) error {
	var cleared sessions.SessionStoreBag
	for _, option := range options {
		if err := option(ctx, &cleared); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.values, func(bag sessions.SessionStoreBag, _ map[string][]byte) bool {
		return bag.SyncID == cleared.SyncID && (cleared.Prefix == "" || cleared.Prefix == bag.Prefix)
	})
	return nil
}

// GetAll implements sessions.SessionStore: everything is on one page.
func (s *MemoryStore) GetAll(ctx context.Context, _ string, options ...sessions.SessionStoreOption) (all map[string][]byte, next string, err error) {
	err = s.of(ctx, options, func(values map[string][]byte) { all = maps.Clone(values) })
	return all, "", err
}

package reliability

import (
	"context"
	"sync"

	"github.com/conductorone/baton-sdk/pkg/types/sessions"
)

// store is a session store in memory, for one sync.
type store struct {
	mu     sync.Mutex
	values map[string][]byte
}

func newStore() *store {
	return &store{values: map[string][]byte{}}
}

var _ sessions.SessionStore = (*store)(nil)

// Get implements sessions.SessionStore.
func (s *store) Get(_ context.Context, key string, _ ...sessions.SessionStoreOption) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, found := s.values[key]
	return value, found, nil
}

// GetMany implements sessions.SessionStore.
func (s *store) GetMany(_ context.Context, keys []string, _ ...sessions.SessionStoreOption) (map[string][]byte, []string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string][]byte{}
	for _, key := range keys {
		if value, ok := s.values[key]; ok {
			found[key] = value
		}
	}
	return found, nil, nil
}

// Set implements sessions.SessionStore.
func (s *store) Set(ctx context.Context, key string, value []byte, options ...sessions.SessionStoreOption) error {
	return s.SetMany(ctx, map[string][]byte{key: value}, options...)
}

// SetMany implements sessions.SessionStore.
func (s *store) SetMany(_ context.Context, values map[string][]byte, _ ...sessions.SessionStoreOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range values {
		s.values[key] = value
	}
	return nil
}

// Delete implements sessions.SessionStore.
func (s *store) Delete(_ context.Context, key string, _ ...sessions.SessionStoreOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, key)
	return nil
}

// Clear implements sessions.SessionStore.
func (s *store) Clear(context.Context, ...sessions.SessionStoreOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = map[string][]byte{}
	return nil
}

// GetAll implements sessions.SessionStore.
func (s *store) GetAll(context.Context, string, ...sessions.SessionStoreOption) (map[string][]byte, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values, "", nil
}

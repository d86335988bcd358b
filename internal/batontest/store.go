package batontest

import (
	"context"
	"maps"
	"strings"
	"sync"

	"github.com/conductorone/baton-sdk/pkg/types/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Store is a session store in memory, with the methods that the connector uses. They
// are safe for concurrent use; the fields are to be read while no method runs.
type Store struct {
	sessions.SessionStore // nil: any other method panics

	// Values are by key, in front of which stand the sync and the prefix where a caller names them.
	Values map[string][]byte
	// Reads and Writes count the calls, Written the values that were ever set.
	Reads, Writes, Written int
	// FailAt is the number of the write that fails with Unavailable, 0 for none.
	FailAt int

	mu sync.Mutex
}

// place returns what stands in front of a key.
func place(ctx context.Context, options []sessions.SessionStoreOption) (string, error) {
	var bag sessions.SessionStoreBag
	for _, option := range options {
		if err := option(ctx, &bag); err != nil {
			return "", err
		}
	}
	if bag.SyncID == "" && bag.Prefix == "" {
		return "", nil
	}
	return bag.SyncID + "\x00" + bag.Prefix + "\x00", nil
}

// GetMany implements sessions.SessionStore.
func (s *Store) GetMany(ctx context.Context, keys []string, options ...sessions.SessionStoreOption) (map[string][]byte, []string, error) {
	place, err := place(ctx, options)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Reads++
	found := map[string][]byte{}
	for _, key := range keys {
		if value, ok := s.Values[place+key]; ok {
			found[key] = value
		}
	}
	return found, nil, err
}

// SetMany implements sessions.SessionStore.
func (s *Store) SetMany(ctx context.Context, values map[string][]byte, options ...sessions.SessionStoreOption) error {
	place, err := place(ctx, options)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Writes++; s.Writes == s.FailAt {
		return status.Error(codes.Unavailable, "busy")
	}
	if s.Values == nil {
		s.Values = map[string][]byte{}
	}
	for key, value := range values {
		s.Values[place+key] = value
		s.Written++
	}
	return err
}

// Clear implements sessions.SessionStore. Without a prefix, all values of a sync go.
func (s *Store) Clear(ctx context.Context, options ...sessions.SessionStoreOption) error {
	place, err := place(ctx, options)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.Values, func(name string, _ []byte) bool { return strings.HasPrefix(name, strings.TrimSuffix(place, "\x00")) })
	return err
}

// Counts returns how many values are stored and how many were ever set.
func (s *Store) Counts() (int, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.Values), s.Written
}

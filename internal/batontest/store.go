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

	Values map[string][]byte // by key, prefixed with the sync and the prefix that a caller names
	// Reads and Writes count the calls, Written the values that were ever set.
	Reads, Writes, Written int
	FailAt                 int // the number of the write that fails with Unavailable, 0 for none

	mu sync.Mutex
}

// do runs fn under the lock, with what stands in front of a key.
func (s *Store) do(ctx context.Context, options []sessions.SessionStoreOption, fn func(place string) error) error {
	var bag sessions.SessionStoreBag
	for _, option := range options {
		if err := option(ctx, &bag); err != nil {
			return err
		}
	}
	place := ""
	if bag.SyncID != "" || bag.Prefix != "" {
		place = bag.SyncID + "\x00" + bag.Prefix + "\x00"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return fn(place)
}

// GetMany implements sessions.SessionStore.
func (s *Store) GetMany(ctx context.Context, keys []string, options ...sessions.SessionStoreOption) (map[string][]byte, []string, error) {
	found := map[string][]byte{}
	return found, nil, s.do(ctx, options, func(place string) error {
		s.Reads++
		for _, key := range keys {
			if value, ok := s.Values[place+key]; ok {
				found[key] = value
			}
		}
		return nil
	})
}

// SetMany implements sessions.SessionStore.
func (s *Store) SetMany(ctx context.Context, values map[string][]byte, options ...sessions.SessionStoreOption) error {
	return s.do(ctx, options, func(place string) error {
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
		return nil
	})
}

// Clear implements sessions.SessionStore. Without a prefix, all values of a sync go.
func (s *Store) Clear(ctx context.Context, options ...sessions.SessionStoreOption) error {
	return s.do(ctx, options, func(place string) error {
		maps.DeleteFunc(s.Values, func(name string, _ []byte) bool { return strings.HasPrefix(name, strings.TrimSuffix(place, "\x00")) })
		return nil
	})
}

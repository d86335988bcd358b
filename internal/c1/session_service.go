package c1

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
)

// sessionPage is the number of items in an answer to GetAll.
const sessionPage = 100

// sessionService is c1.connectorapi.baton.v1.BatonSessionService: values that a
// hosted connector keeps for the duration of a sync. The limits on keys and values
// are those of the protocol buffers.
type sessionService struct {
	v1.UnimplementedBatonSessionServiceServer

	mu     sync.Mutex
	values map[sessionKey][]byte
	// written counts the values that were set so far, cleared ones included.
	written int
}

// sessionKey names a value. Prefixes keep the users of one sync's store apart.
type sessionKey struct {
	sync, prefix, key string
}

func newSessionService() *sessionService {
	return &sessionService{values: make(map[sessionKey][]byte)}
}

// Get returns a value.
func (s *sessionService) Get(_ context.Context, req *v1.GetRequest) (*v1.GetResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, found := s.values[sessionKey{req.GetSyncId(), req.GetPrefix(), req.GetKey()}]
	return v1.GetResponse_builder{Value: value, Found: found}.Build(), nil
}

// GetMany returns the values that there are.
func (s *sessionService) GetMany(_ context.Context, req *v1.GetManyRequest) (*v1.GetManyResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []*v1.GetManyItem
	for _, key := range req.GetKeys() {
		if value, ok := s.values[sessionKey{req.GetSyncId(), req.GetPrefix(), key}]; ok {
			items = append(items, v1.GetManyItem_builder{Key: key, Value: value}.Build())
		}
	}
	return v1.GetManyResponse_builder{Items: items}.Build(), nil
}

// GetAll returns a page of the values of a sync. The page token is the last key of
// the page before.
func (s *sessionService) GetAll(_ context.Context, req *v1.GetAllRequest) (*v1.GetAllResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.values {
		if name.sync == req.GetSyncId() && name.prefix == req.GetPrefix() && strings.Compare(name.key, req.GetPageToken()) > 0 {
			names = append(names, name.key)
		}
	}
	slices.Sort(names)
	answer := v1.GetAllResponse_builder{}
	if len(names) > sessionPage {
		names = names[:sessionPage]
		answer.PageToken = names[sessionPage-1]
	}
	for _, name := range names {
		value := s.values[sessionKey{req.GetSyncId(), req.GetPrefix(), name}]
		answer.Items = append(answer.Items, v1.GetAllItem_builder{Key: name, Value: value}.Build())
	}
	return answer.Build(), nil
}

// Set stores a value.
func (s *sessionService) Set(_ context.Context, req *v1.SetRequest) (*v1.SetResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[sessionKey{req.GetSyncId(), req.GetPrefix(), req.GetKey()}] = slices.Clone(req.GetValue())
	s.written++
	return &v1.SetResponse{}, nil
}

// SetMany stores values.
func (s *sessionService) SetMany(_ context.Context, req *v1.SetManyRequest) (*v1.SetManyResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range req.GetValues() {
		s.values[sessionKey{req.GetSyncId(), req.GetPrefix(), key}] = slices.Clone(value)
		s.written++
	}
	return &v1.SetManyResponse{}, nil
}

// Delete removes a value.
func (s *sessionService) Delete(_ context.Context, req *v1.DeleteRequest) (*v1.DeleteResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, sessionKey{req.GetSyncId(), req.GetPrefix(), req.GetKey()})
	return &v1.DeleteResponse{}, nil
}

// DeleteMany removes values.
func (s *sessionService) DeleteMany(_ context.Context, req *v1.DeleteManyRequest) (*v1.DeleteManyResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range req.GetKeys() {
		delete(s.values, sessionKey{req.GetSyncId(), req.GetPrefix(), key})
	}
	return &v1.DeleteManyResponse{}, nil
}

// Clear removes the values of a sync: those under a prefix, or all when the prefix
// is empty.
func (s *sessionService) Clear(_ context.Context, req *v1.ClearRequest) (*v1.ClearResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.values, func(name sessionKey, _ []byte) bool {
		return name.sync == req.GetSyncId() && (req.GetPrefix() == "" || name.prefix == req.GetPrefix())
	})
	return &v1.ClearResponse{}, nil
}

// counts returns how many values are stored and how many were ever set.
func (s *sessionService) counts() (int, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.values), s.written
}

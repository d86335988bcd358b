package synctest

import (
	"context"
	"errors"
	"maps"
	"net"
	"strings"
	"sync"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/connectorclient"
	sdksync "github.com/conductorone/baton-sdk/pkg/sync"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/conductorone/baton-sdk/pkg/types/sessions"
	"github.com/conductorone/baton-sdk/pkg/ugrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// Harness serves a connector over gRPC in this process.
type Harness struct {
	// Client calls the connector as the SDK does.
	Client types.ConnectorClient
	// Store is what the connector sees as its session store.
	Store *Store

	server *grpc.Server
	conn   *grpc.ClientConn
}

// Store hands the connector the session store of the sync that runs.
type Store struct {
	sessions.SessionStore
}

// SetSessionStore implements sessions.SetSessionStore.
func (s *Store) SetSessionStore(_ context.Context, store sessions.SessionStore) {
	s.SessionStore = store
}

// Start serves connector until Close is called. wrap, when not nil, stands
// between the connector and its session store.
func Start(ctx context.Context, connector connectorbuilder.ConnectorBuilderV2, wrap func(sessions.SessionStore) sessions.SessionStore) (*Harness, error) {
	store := &Store{}
	var seen sessions.SessionStore = store
	if wrap != nil {
		seen = wrap(store)
	}
	server, err := connectorbuilder.NewConnector(ctx, connector, connectorbuilder.WithSessionStore(seen))
	if err != nil {
		return nil, err
	}
	const bufferSize = 1 << 20
	listener := bufconn.Listen(bufferSize)
	// The SDK's own process has these interceptors, too: they check requests and
	// hand ctx's logger to the connector.
	interceptors := grpc.ChainUnaryInterceptor(ugrpc.UnaryServerInterceptor(ctx)...)
	h := &Harness{Store: store, server: grpc.NewServer(interceptors)}
	register(h.server, server)
	go func() { _ = h.server.Serve(listener) }() // ends with Stop
	h.conn, err = grpc.NewClient("passthrough:///bufconn",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		h.server.Stop()
		return nil, err
	}
	h.Client = connectorclient.NewConnectorClient(ctx, h.conn)
	return h, nil
}

func register(registrar grpc.ServiceRegistrar, server types.ConnectorServer) {
	for _, desc := range []*grpc.ServiceDesc{
		&v2.ConnectorService_ServiceDesc, &v2.ResourceTypesService_ServiceDesc, &v2.ResourcesService_ServiceDesc,
		&v2.ResourceGetterService_ServiceDesc, &v2.EntitlementsService_ServiceDesc, &v2.GrantsService_ServiceDesc,
		&v2.GrantManagerService_ServiceDesc, &v2.AccountManagerService_ServiceDesc, &v2.ResourceManagerService_ServiceDesc,
		&v2.ResourceDeleterService_ServiceDesc, &v2.ActionService_ServiceDesc, &v2.AssetService_ServiceDesc,
		&v2.EventService_ServiceDesc, &v2.TicketsService_ServiceDesc, &v2.CredentialManagerService_ServiceDesc,
	} {
		registrar.RegisterService(desc, server)
	}
}

// Close stops the server.
func (h *Harness) Close() error {
	err := h.conn.Close()
	h.server.Stop()
	return err
}

// Sync runs one sync into the file at path, failing on data that the SDK calls
// inconsistent. Options narrow the sync.
func (h *Harness) Sync(ctx context.Context, path string, options ...sdksync.SyncOpt) error {
	syncer, err := sdksync.NewSyncer(ctx, h.Client, append([]sdksync.SyncOpt{
		sdksync.WithC1ZPath(path),
		sdksync.WithSessionStore(h.Store),
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

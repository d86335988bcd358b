// Package inprocess hosts a connector in this process. Its callers use it over gRPC, as the SDK uses a
// connector in a process of its own: requests are checked and encoded on the way, and no port is opened.
package inprocess

import (
	"context"
	"net"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorclient"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/conductorone/baton-sdk/pkg/types/sessions"
	"github.com/conductorone/baton-sdk/pkg/ugrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// Sessions passes the session store that the syncer sets (sync.WithSessionStore) on to a connector. The
// connector gets Sessions before there is a sync; until then every method panics.
type Sessions struct {
	sessions.SessionStore
}

// SetSessionStore implements sessions.SetSessionStore.
func (s *Sessions) SetSessionStore(_ context.Context, store sessions.SessionStore) {
	s.SessionStore = store
}

// Host serves a connector, and calls it. Errors of its calls are gRPC status errors.
type Host struct {
	types.ConnectorClient

	server *grpc.Server
	conn   *grpc.ClientConn
}

// Start serves a connector, with the logger of ctx, until Close is called.
func Start(ctx context.Context, connector types.ConnectorServer) (*Host, error) {
	listener := bufconn.Listen(1 << 20) // bytes of an answer that wait for the reader
	conn, err := grpc.NewClient("passthrough:///in-process",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(ugrpc.UnaryServerInterceptor(ctx)...))
	for _, service := range []*grpc.ServiceDesc{
		&v2.ConnectorService_ServiceDesc, &v2.ResourceTypesService_ServiceDesc, &v2.ResourcesService_ServiceDesc,
		&v2.ResourceGetterService_ServiceDesc, &v2.EntitlementsService_ServiceDesc, &v2.GrantsService_ServiceDesc,
		&v2.GrantManagerService_ServiceDesc, &v2.AccountManagerService_ServiceDesc, &v2.ResourceManagerService_ServiceDesc,
		&v2.ResourceDeleterService_ServiceDesc, &v2.ActionService_ServiceDesc, &v2.AssetService_ServiceDesc,
		&v2.EventService_ServiceDesc, &v2.TicketsService_ServiceDesc, &v2.CredentialManagerService_ServiceDesc,
	} {
		server.RegisterService(service, connector)
	}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return &Host{ConnectorClient: connectorclient.NewConnectorClient(ctx, conn), server: server, conn: conn}, nil
}

// Close ends the calls that are under way, and the server.
func (h *Host) Close() {
	_ = h.conn.Close() // which fails only where it is closed already
	h.server.Stop()
}

package c1

import (
	"context"
	"encoding/json"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/crypto/providers/jwk"
)

// configService is c1.connectorapi.baton.v1.ConnectorConfigService for one hosted
// connector.
type configService struct {
	v1.UnimplementedConnectorConfigServiceServer

	settings map[string]any

	mu    sync.Mutex
	calls int
}

// GetConnectorConfig returns the settings as JSON, encrypted to the key that the
// caller has proved to possess.
func (s *configService) GetConnectorConfig(ctx context.Context, _ *v1.GetConnectorConfigRequest) (*v1.GetConnectorConfigResponse, error) {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
	key, err := proofKey(ctx)
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	plain, err := json.Marshal(s.settings)
	if err != nil {
		return nil, status.Errorf(codes.Internal, "settings: %v", err)
	}
	sealed, err := jwk.EncryptED25519(key, plain)
	if err != nil {
		return nil, status.Errorf(codes.Internal, "settings: %v", err)
	}
	return v1.GetConnectorConfigResponse_builder{Config: sealed, LastUpdated: timestamppb.Now()}.Build(), nil
}

package c1

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
)

// The identity of the function in the simulated cloud. The key is made up: no request
// that it signs is ever sent.
const (
	cloudRegion      = "us-east-1"
	cloudAccessKeyID = "STANDIN"
)

// checkIdentity checks the identity claim of a client assertion: a signed request
// to the cloud's token service, which ConductorOne would send to learn who signed
// it. The signature is not verified, but the claimed key must be the function's.
func checkIdentity(claim string) error {
	data, err := base64.RawURLEncoding.DecodeString(claim)
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	wrapped := &anypb.Any{}
	if err := proto.Unmarshal(data, wrapped); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	request := &v1.Sigv4SignedRequestSTSGetCallerIdentity{}
	if err := wrapped.UnmarshalTo(request); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	if request.GetMethod() != http.MethodPost || request.GetEndpoint() != "https://sts."+cloudRegion+".amazonaws.com" {
		return fmt.Errorf("identity: a request for %s %s", request.GetMethod(), request.GetEndpoint())
	}
	for _, header := range request.GetHeaders() {
		if strings.EqualFold(header.GetKey(), "Authorization") &&
			strings.Contains(strings.Join(header.GetValue(), " "), "Credential="+cloudAccessKeyID+"/") {
			return nil
		}
	}
	return errors.New("identity: not signed with the function's key")
}

package c1

import (
	"encoding/base64"
	"net/http"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
)

func TestCheckIdentity(t *testing.T) {
	t.Parallel()
	const endpoint = "https://sts." + cloudRegion + ".amazonaws.com"
	request := func(method, endpoint, authorization string) proto.Message {
		return v1.Sigv4SignedRequestSTSGetCallerIdentity_builder{
			Method:   method,
			Endpoint: endpoint,
			Headers: []*v1.SignedHeader{
				v1.SignedHeader_builder{Key: "Authorization", Value: []string{authorization}}.Build(),
			},
		}.Build()
	}
	claim := func(message proto.Message) string {
		wrapped, err := anypb.New(message)
		if err != nil {
			t.Fatal(err)
		}
		data, err := proto.Marshal(wrapped)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	signed := "AWS4-HMAC-SHA256 Credential=" + cloudAccessKeyID + "/20260101/x"

	if err := checkIdentity(claim(request(http.MethodPost, endpoint, signed))); err != nil {
		t.Errorf("an identity in order: %v", err)
	}
	for name, claim := range map[string]string{
		"absent":          "",
		"not base64":      "?",
		"not a message":   "AAAA",
		"another message": claim(&emptypb.Empty{}),
		"another method":  claim(request(http.MethodGet, endpoint, signed)),
		"another host":    claim(request(http.MethodPost, "https://example.com", signed)),
		"another key":     claim(request(http.MethodPost, endpoint, "AWS4-HMAC-SHA256 Credential=OTHER/x")),
	} {
		if err := checkIdentity(claim); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

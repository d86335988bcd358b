package c1_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
)

func TestTokenIsIssuedAgainstAnAssertion(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	service := client.service(client.token())

	_, err := service.Heartbeat(testContext(t), v1.BatonServiceHeartbeatRequest_builder{
		HostId: "host", TaskId: "task00000000000000000000001",
	}.Build())
	if got := status.Code(err); got != codes.NotFound {
		t.Errorf("a call with the token ended with %v, want it to reach the service: NotFound", err)
	}
}

func TestTokenRequestIsRefused(t *testing.T) {
	t.Parallel()
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claims := func(change func(*jwt.Claims)) func(*client) url.Values {
		return func(c *client) url.Values {
			claims := c.claims()
			change(&claims)
			return c.form(c.sign(c.key, claims))
		}
	}
	field := func(name, value string) func(*client) url.Values {
		return func(c *client) url.Values {
			form := c.form(c.sign(c.key, c.claims()))
			form.Set(name, value)
			return form
		}
	}
	ago := jwt.NewNumericDate(time.Now().Add(-time.Second))
	for name, test := range map[string]struct {
		form func(*client) url.Values
		code int
	}{
		"signed by another key": {func(c *client) url.Values { return c.form(c.sign(stranger, c.claims())) }, http.StatusUnauthorized},
		"another issuer":        {claims(func(c *jwt.Claims) { c.Issuer = "x@127.0.0.1/y" }), http.StatusUnauthorized},
		"another subject":       {claims(func(c *jwt.Claims) { c.Subject = "x@127.0.0.1/y" }), http.StatusUnauthorized},
		"another audience":      {claims(func(c *jwt.Claims) { c.Audience = jwt.Audience{"example.com"} }), http.StatusUnauthorized},
		"no audience":           {claims(func(c *jwt.Claims) { c.Audience = nil }), http.StatusUnauthorized},
		"expired":               {claims(func(c *jwt.Claims) { c.Expiry = ago }), http.StatusUnauthorized},
		"never expires":         {claims(func(c *jwt.Claims) { c.Expiry = nil }), http.StatusUnauthorized},
		"expires next year":     {claims(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().AddDate(1, 0, 0)) }), http.StatusUnauthorized},
		"not yet valid":         {claims(func(c *jwt.Claims) { c.NotBefore = c.Expiry }), http.StatusUnauthorized},
		"no assertion":          {field("client_assertion", ""), http.StatusUnauthorized},
		"another client":        {field("client_id", "x@127.0.0.1/y"), http.StatusUnauthorized},
		"another grant type":    {field("grant_type", "password"), http.StatusBadRequest},
		"another assertion":     {field("client_assertion_type", "saml"), http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			client := newClient(t, server)
			code, body := client.post(test.form(client))
			if code != test.code || body["access_token"] != nil {
				t.Errorf("answered %d %v, want %d", code, body, test.code)
			}
			if refusals := server.Refusals(); len(refusals) != 1 {
				t.Errorf("refusals are %q, want one", refusals)
			}
		})
	}
}

func TestCallNeedsAToken(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	for _, token := range []string{"", "made-up"} {
		_, err := client.service(token).Hello(testContext(t), &v1.BatonServiceHelloRequest{})
		if got := status.Code(err); got != codes.Unauthenticated {
			t.Errorf("with token %q the call ended with %v, want Unauthenticated", token, err)
		}
	}
	if len(server.Hellos()) != 0 {
		t.Error("a greeting without a token was recorded")
	}
}

func TestRejectCredentials(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	ctx := testContext(t)
	before := client.token()

	server.RejectCredentials(true)
	if code, body := client.post(client.form(client.sign(client.key, client.claims()))); code != http.StatusUnauthorized {
		t.Errorf("the token endpoint answered %d %v, want 401", code, body)
	}
	err := succeed(ctx, client.service(before), "task00000000000000000000001")
	if got := status.Code(err); got != codes.Unauthenticated {
		t.Errorf("a token from before ended with %v, want Unauthenticated", err)
	}

	server.RejectCredentials(false)
	err = succeed(ctx, client.service(client.token()), "task00000000000000000000001")
	if got := status.Code(err); got != codes.NotFound {
		t.Errorf("a token from afterwards ended with %v, want NotFound", err)
	}
}

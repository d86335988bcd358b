package c1_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/crypto"

	"github.com/conductorone/baton-whimsical/internal/c1"
)

// patience bounds what should take no time at all.
const patience = 30 * time.Second

// testContext returns a context that ends when the test does, or when the test has
// waited for too long.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// newServer returns a running server.
func newServer(t *testing.T) *c1.Server {
	t.Helper()
	server, err := c1.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// variable returns a variable of an environment.
func variable(t *testing.T, env []string, name string) string {
	t.Helper()
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	t.Fatalf("the environment has no %s", name)
	return ""
}

// client is a connector reduced to its requests, made of what [c1.Server] tells a
// connector.
type client struct {
	t     *testing.T
	host  string
	id    string
	key   *jose.JSONWebKey
	trust *tls.Config
	http  *http.Client
}

func newClient(t *testing.T, server *c1.Server) *client {
	t.Helper()
	env := server.Environment()
	key, err := crypto.ParseClientSecret([]byte(variable(t, env, "BATON_CLIENT_SECRET")), false)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(variable(t, env, "SSL_CERT_FILE"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		t.Fatal("SSL_CERT_FILE holds no certificate")
	}
	trust := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	// A connection each, so that one that a paused server has closed is not used.
	transport := &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}
	return &client{
		t:     t,
		host:  variable(t, env, "BATON_C1_API_HOST"),
		id:    variable(t, env, "BATON_CLIENT_ID"),
		key:   key,
		trust: trust,
		http:  &http.Client{Transport: transport},
	}
}

// claims returns the claims of a client assertion that is in order.
func (c *client) claims() jwt.Claims {
	now := time.Now()
	return jwt.Claims{
		Issuer:   c.id,
		Subject:  c.id,
		Audience: jwt.Audience{"127.0.0.1"},
		IssuedAt: jwt.NewNumericDate(now),
		Expiry:   jwt.NewNumericDate(now.Add(2 * time.Minute)),
	}
}

// sign makes a client assertion.
func (c *client) sign(key any, claims jwt.Claims) string {
	c.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	assertion, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		c.t.Fatal(err)
	}
	return assertion
}

// form returns the form of a token request.
func (c *client) form(assertion string) url.Values {
	return url.Values{
		"client_id":             {c.id},
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}
}

// post sends a token request and returns the status and the decoded body.
func (c *client) post(form url.Values) (int, map[string]any) {
	c.t.Helper()
	target := url.URL{Scheme: "https", Host: c.host, Path: "/auth/v1/token"}
	req, err := http.NewRequestWithContext(testContext(c.t), http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	decoded := map[string]any{}
	if err := json.Unmarshal(body, &decoded); err != nil {
		c.t.Fatalf("body %q: %v", body, err)
	}
	return resp.StatusCode, decoded
}

// token returns an access token.
func (c *client) token() string {
	c.t.Helper()
	code, body := c.post(c.form(c.sign(c.key, c.claims())))
	token, ok := body["access_token"].(string)
	if code != http.StatusOK || !ok {
		c.t.Fatalf("token endpoint answered %d %v", code, body)
	}
	return token
}

// service returns a gRPC client whose calls carry the given token.
func (c *client) service(token string) v1.BatonServiceClient {
	c.t.Helper()
	conn, err := grpc.NewClient(c.host,
		grpc.WithTransportCredentials(credentials.NewTLS(c.trust.Clone())),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return invoke(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), method, req, reply, cc, opts...)
		}),
		grpc.WithStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, stream grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return stream(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), desc, cc, method, opts...)
		}),
	)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			c.t.Error(err)
		}
	})
	return v1.NewBatonServiceClient(conn)
}

// getTask polls until there is a task.
func getTask(ctx context.Context, t *testing.T, service v1.BatonServiceClient) *v1.Task {
	t.Helper()
	resp, err := service.GetTask(ctx, v1.BatonServiceGetTaskRequest_builder{HostId: "host"}.Build())
	if err != nil {
		t.Fatal(err)
	}
	if resp.GetTask() == nil {
		t.Fatal("no task")
	}
	return resp.GetTask()
}

// succeed finishes a task.
func succeed(ctx context.Context, service v1.BatonServiceClient, id string) error {
	_, err := service.FinishTask(ctx, v1.BatonServiceFinishTaskRequest_builder{
		HostId:  "host",
		TaskId:  id,
		Success: &v1.BatonServiceFinishTaskRequest_Success{},
	}.Build())
	return err
}

// upload sends an asset in two chunks and names sum as its checksum.
func upload(ctx context.Context, service v1.BatonServiceClient, id string, asset, sum []byte) error {
	stream, err := service.UploadAsset(ctx)
	if err != nil {
		return err
	}
	for _, message := range []*v1.BatonServiceUploadAssetRequest{
		v1.BatonServiceUploadAssetRequest_builder{
			Metadata: v1.BatonServiceUploadAssetRequest_UploadMetadata_builder{HostId: "host", TaskId: id}.Build(),
		}.Build(),
		v1.BatonServiceUploadAssetRequest_builder{
			Data: v1.BatonServiceUploadAssetRequest_UploadData_builder{Data: asset[:len(asset)/2]}.Build(),
		}.Build(),
		v1.BatonServiceUploadAssetRequest_builder{
			Data: v1.BatonServiceUploadAssetRequest_UploadData_builder{Data: asset[len(asset)/2:]}.Build(),
		}.Build(),
		v1.BatonServiceUploadAssetRequest_builder{
			Eof: v1.BatonServiceUploadAssetRequest_UploadEOF_builder{Sha256Checksum: sum}.Build(),
		}.Build(),
	} {
		if err := stream.Send(message); err != nil {
			// The reason is in the answer.
			break
		}
	}
	if _, err := stream.CloseAndRecv(); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	return nil
}

func checksum(asset []byte) []byte {
	sum := sha256.Sum256(asset)
	return sum[:]
}

package c1_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/conductorone/dpop/pkg/dpop"
	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/crypto/providers/jwk"
	"github.com/conductorone/baton-sdk/pkg/lambda/grpc/config"
	"github.com/conductorone/baton-sdk/pkg/session"
	"github.com/conductorone/baton-sdk/pkg/types/sessions"

	"github.com/conductorone/baton-whimsical/internal/c1"
)

// syncID is an id of the form that the protocol wants.
const syncID = "3MVZnCyjrqyxocvdbOQAPe7UMMg"

// newLambda returns running surroundings whose environment is that of the test, which
// therefore cannot be parallel.
func newLambda(t *testing.T, settings map[string]any) *c1.Lambda {
	t.Helper()
	lambda, err := c1.NewLambda(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lambda.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, entry := range lambda.Environment() {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	return lambda
}

// dial returns the SDK's connection of a function to ConductorOne, its key, and an
// access token that is bound to the key.
func dial(ctx context.Context, t *testing.T, lambda *c1.Lambda) (grpc.ClientConnInterface, *jose.JSONWebKey, string) {
	t.Helper()
	env := lambda.Environment()
	conn, key, source, err := config.NewDPoPClient(ctx, variable(t, env, "BATON_LAMBDA_CLIENT_ID"), variable(t, env, "BATON_LAMBDA_CLIENT_SECRET"))
	if err != nil {
		t.Fatal(err)
	}
	if closer, ok := conn.(*grpc.ClientConn); ok {
		t.Cleanup(func() {
			if err := closer.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	token, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	return conn, key, token.AccessToken
}

func TestLambdaHandsOutTheConfiguration(t *testing.T) {
	settings := map[string]any{"token": "secret", "url": "http://127.0.0.1"}
	lambda := newLambda(t, settings)
	ctx := testContext(t)
	conn, key, _ := dial(ctx, t, lambda)

	resp, err := v1.NewConnectorConfigServiceClient(conn).GetConnectorConfig(ctx, &v1.GetConnectorConfigRequest{})
	if err != nil {
		t.Fatal(err)
	}
	private, ok := key.Key.(ed25519.PrivateKey)
	if !ok {
		t.Fatalf("the key is a %T", key.Key)
	}
	plain, err := jwk.DecryptED25519(private, resp.GetConfig())
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(plain, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, settings) {
		t.Errorf("configuration is %v, want %v", got, settings)
	}
	if n := lambda.Configurations(); n != 1 {
		t.Errorf("%d configurations were handed out, want 1", n)
	}
	if refusals := lambda.Refusals(); len(refusals) != 0 {
		t.Errorf("refusals are %q", refusals)
	}
}

func TestLambdaKeepsSessionValues(t *testing.T) {
	lambda := newLambda(t, nil)
	ctx := testContext(t)
	conn, _, _ := dial(ctx, t, lambda)
	store, err := session.NewGRPCSessionStore(ctx, v1.NewBatonSessionServiceClient(conn))
	if err != nil {
		t.Fatal(err)
	}
	of := sessions.WithSyncID(syncID)
	other := sessions.WithSyncID(strings.Repeat("a", len(syncID)))

	// More than a page of values, in batches of the largest size.
	const total = 250
	want := map[string][]byte{}
	for first := 0; first < total; first += 50 {
		batch := map[string][]byte{}
		for i := first; i < first+50; i++ {
			batch[fmt.Sprintf("key%03d", i)] = []byte(strconv.Itoa(i))
		}
		if err := store.SetMany(ctx, batch, of); err != nil {
			t.Fatal(err)
		}
		for key, value := range batch {
			want[key] = value
		}
	}
	if err := store.Set(ctx, "key000", []byte("other"), other); err != nil {
		t.Fatal(err)
	}

	got := map[string][]byte{}
	for token := ""; ; {
		values, next, err := store.GetAll(ctx, token, of)
		if err != nil {
			t.Fatal(err)
		}
		for key, value := range values {
			got[key] = value
		}
		if next == "" {
			break
		}
		token = next
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("GetAll has returned %d values, want all %d", len(got), len(want))
	}

	if err := store.Delete(ctx, "key001", of); err != nil {
		t.Fatal(err)
	}
	some, _, err := store.GetMany(ctx, []string{"key000", "key001", "absent"}, of)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(some, map[string][]byte{"key000": []byte("0")}) {
		t.Errorf("GetMany has returned %v", some)
	}
	if err := store.Clear(ctx, of); err != nil {
		t.Fatal(err)
	}
	if _, found, err := store.Get(ctx, "key000", of); err != nil || found {
		t.Errorf("after Clear: found %t, %v", found, err)
	}
	if value, found, err := store.Get(ctx, "key000", other); err != nil || !found || string(value) != "other" {
		t.Errorf("the value of another sync is %q, %t, %v", value, found, err)
	}
	if stored, written := lambda.SessionValues(); stored != 1 || written != total+1 {
		t.Errorf("%d values stored and %d written, want 1 and %d", stored, written, total+1)
	}

	_, _, err = store.Get(ctx, "key000", sessions.WithSyncID("short"))
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("a malformed sync id ended with %v, want InvalidArgument", err)
	}
}

func TestLambdaRefusesCallsWithoutProof(t *testing.T) {
	lambda := newLambda(t, nil)
	ctx := testContext(t)
	_, key, token := dial(ctx, t, lambda)
	host := variable(t, lambda.Environment(), "BATON_LAMBDA_CONFIGURATION_HOST")
	trust, err := credentials.NewClientTLSFromFile(variable(t, lambda.Environment(), "BATON_LAMBDA_CA_CERT_PATH"), "")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(host, grpc.WithTransportCredentials(trust))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	const method = v1.BatonSessionService_Get_FullMethodName
	prove := func(key *jose.JSONWebKey, path string) string {
		t.Helper()
		proofer, err := dpop.NewProofer(key)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := proofer.CreateProof(ctx, http.MethodPost, "https://"+host+path, dpop.WithAccessToken(token))
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	call := func(pairs ...string) codes.Code {
		request := v1.GetRequest_builder{SyncId: syncID, Key: "key"}.Build()
		_, err := v1.NewBatonSessionServiceClient(conn).Get(metadata.AppendToOutgoingContext(ctx, pairs...), request)
		return status.Code(err)
	}
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	strange := &jose.JSONWebKey{Key: stranger, KeyID: "key", Algorithm: string(jose.EdDSA), Use: "sig"}

	proof := prove(key, method)
	if code := call("authorization", "DPoP "+token, "dpop", proof); code != codes.OK {
		t.Fatalf("a call in order ended with %s", code)
	}
	for name, pairs := range map[string][]string{
		"nothing":              nil,
		"no proof":             {"authorization", "DPoP " + token},
		"a bearer token":       {"authorization", "Bearer " + token, "dpop", prove(key, method)},
		"a made-up token":      {"authorization", "DPoP made-up", "dpop", prove(key, method)},
		"the proof again":      {"authorization", "DPoP " + token, "dpop", proof},
		"another key's proof":  {"authorization", "DPoP " + token, "dpop", prove(strange, method)},
		"another call's proof": {"authorization", "DPoP " + token, "dpop", prove(key, "/other")},
	} {
		if code := call(pairs...); code != codes.Unauthenticated {
			t.Errorf("with %s the call ended with %s, want Unauthenticated", name, code)
		}
	}
}

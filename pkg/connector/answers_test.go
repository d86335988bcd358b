package connector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

var update = flag.Bool("update", false, "write the connector's answers to testdata, in place of comparing them")

// fourPeople is a workspace of an Editor, a Viewer, somebody who is inactive, and somebody whose role is not
// reported, on a server that tells a rate limit.
func fourPeople(t *testing.T) *workspace {
	t.Helper()
	w := newWorkspace(t, sim.Config{})
	for _, index := range []int{1, 0, 7, 9} {
		user := sim.Person(index)
		user.Email = "mail." + user.UserName // so that the two are told apart
		w.Add(user)
	}
	w.before = func(_ int64, rw http.ResponseWriter, r *http.Request) {
		if got := r.UserAgent(); !strings.HasPrefix(got, "baton-whimsical ") {
			t.Errorf("the User-Agent is %q", got)
		}
		rw.Header().Set("X-Ratelimit-Limit", "100")
		rw.Header().Set("X-Ratelimit-Remaining", "99")
	}
	return w
}

// TestWhatC1Gets compares the answers of the connector, as the SDK's server gives them, with those in
// testdata. Where they are to change: go test ./pkg/connector -run TestWhatC1Gets -update.
func TestWhatC1Gets(t *testing.T) {
	w := fourPeople(t)
	c := start(t, w.url).Client
	list := func(resourceType, token string) *v2.ResourcesServiceListResourcesRequest {
		return v2.ResourcesServiceListResourcesRequest_builder{ResourceTypeId: resourceType, PageToken: token, ActiveSyncId: "full"}.Build()
	}
	grants := func(of *v2.Resource, sync string) *v2.GrantsServiceListGrantsRequest {
		return v2.GrantsServiceListGrantsRequest_builder{Resource: of, ActiveSyncId: sync}.Build()
	}
	compare(t, "metadata", c.GetMetadata, &v2.ConnectorServiceGetMetadataRequest{})
	compare(t, "resource_types", c.ListResourceTypes, &v2.ResourceTypesServiceListResourceTypesRequest{})
	compare(t, "action_schemas", c.ListActionSchemas, &v2.ListActionSchemasRequest{})
	compare(t, "roles", c.ListResources, list("role", ""))
	page := compare(t, "users", c.ListResources, list("user", ""))
	compare(t, "users_end", c.ListResources, list("user", page.GetNextPageToken()))
	unreadable := scimscript.User{ID: "u1", Active: "maybe", Editor: false}
	compare(t, "users_of_no_readable_status", start(t, always(t, unreadable.String())).Client.ListResources, list("user", ""))
	for _, role := range []string{"editor", "viewer"} {
		resource := batontest.Resource("role", role)
		compare(t, "entitlements_"+role, c.ListEntitlements, v2.EntitlementsServiceListEntitlementsRequest_builder{Resource: resource}.Build())
		compare(t, "grants_"+role, c.ListGrants, grants(resource, "full"))
		compare(t, "grants_"+role+"_without_users", c.ListGrants, grants(resource, "roles"))
	}
	for i, name := range []string{"editor", "viewer", "inactive", "roleless"} {
		user := w.Users()[i]
		get := v2.ResourceGetterServiceGetResourceRequest_builder{ResourceId: batontest.Resource("user", user.ID).GetId()}.Build()
		before := w.requests.Load()
		got := compare(t, "user_"+name, c.GetResource, get)
		compare(t, "grants_of_user_"+name, c.ListGrants, grants(got.GetResource(), "targeted"))
		compare(t, "user_"+name, c.GetResource, get)
		if n := w.requests.Load() - before; n != 2 {
			t.Errorf("two reads of a user made %d requests", n)
		}
	}
}

// compare makes a call, and compares its answer with a file.
func compare[Q any, A proto.Message](t *testing.T, name string, call func(context.Context, Q, ...grpc.CallOption) (A, error), request Q) A {
	t.Helper()
	answer, err := call(t.Context(), request)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	switch a := any(answer).(type) { // the SDK keeps both in maps
	case *v2.ResourceTypesServiceListResourceTypesResponse:
		slices.SortFunc(a.GetList(), func(a, b *v2.ResourceType) int { return strings.Compare(a.GetId(), b.GetId()) })
	case *v2.ListActionSchemasResponse:
		slices.SortFunc(a.GetSchemas(), func(a, b *v2.BatonActionSchema) int { return strings.Compare(a.GetName(), b.GetName()) })
	}
	encoded, err := protojson.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer // without the blanks of protojson, which are different ones in each build
	if err := json.Indent(&got, append(encoded, '\n'), "", "  "); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s is not the answer (%v), which is\n%s", file, err, got.String())
	}
	return answer
}

func TestValidateFailsWhereTheTokenIsRefused(t *testing.T) {
	for code, answer := range map[codes.Code]scimscript.Reply{
		codes.OK: ok(scimscript.List{somebody}), codes.Unauthenticated: refused(401, "", ""),
	} {
		c := build(t, scimscript.Serve(t, listing(answer)...))
		if annos, err := c.Validate(t.Context()); status.Code(err) != code || len(annos) != 0 {
			t.Errorf("got %v, %v, want %s", annos, err, code)
		}
	}
}

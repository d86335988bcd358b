//go:build unix

package e2e

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	sdksync "github.com/conductorone/baton-sdk/pkg/sync"
	"github.com/conductorone/baton-sdk/pkg/types"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// startFunction starts a function that is configured with the given SCIM token, in as
// many execution environments as asked for.
func startFunction(t *testing.T, w *faults.Workspace, token string, instances int) (context.Context, *c1.Lambda, types.ConnectorClient, []*launch.Process) {
	t.Helper()
	lambda := newLambda(t, map[string]any{"whimsical-token": token, "base-url": w.URL})
	var running []*launch.Process
	for range instances {
		running = append(running, launch.Function(t, lambda))
	}
	ctx := running[0].Context
	if err := lambda.WaitIdle(ctx, instances); err != nil {
		t.Fatal(err)
	}
	return ctx, lambda, lambda.Connector(ctx), running
}

// syncOver runs the SDK's syncer over the lambda transport, as ConductorOne does, and
// returns the file.
func syncOver(ctx context.Context, t *testing.T, connector types.ConnectorClient) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sync.c1z")
	syncer, err := sdksync.NewSyncer(ctx, connector, sdksync.WithC1ZPath(path), sdksync.WithTmpDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if err := syncer.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	if err := syncer.Close(ctx); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLambdaValidatesTheToken(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	for token, want := range map[string]codes.Code{leaks.Token: codes.OK, "another-token-e5f0": codes.Unauthenticated} {
		ctx, _, connector, _ := startFunction(t, w, token, 1)
		if _, err := connector.Validate(ctx, &v2.ConnectorServiceValidateRequest{}); status.Code(err) != want {
			t.Errorf("the validation has ended with %s, want %s", outcome(err), want)
		}
	}
}

// Calls of one sync go to whichever instance is free, so what one has read reaches
// the other through the session store alone.
func TestLambdaSyncs(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, sim.Config{Users: 60, PageSize: 5, DeactivationKeeps: true})
	ctx, lambda, connector, instances := startFunction(t, w, leaks.Token, 2)
	launch.Holds(t, syncOver(ctx, t, connector), batontest.Expected(w.Users()))
	readOnce(t, w)
	for i, instance := range instances {
		if !strings.Contains(instance.Stdout.String()+instance.Stderr.String(), sim.BasePath+"Users") {
			t.Errorf("instance %d has read nothing", i+1)
		}
	}
	if stored, written := lambda.SessionValues(); written == 0 || stored != 0 {
		t.Errorf("the sync has written %d values to the session store and left %d", written, stored)
	}
}

func TestLambdaDeletes(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	ctx, _, connector, _ := startFunction(t, w, leaks.Token, 1)
	editor := person(t, w, isEditor).ID
	for _, gone := range []bool{false, true} {
		resp, err := connector.DeleteResource(ctx, v2.DeleteResourceRequest_builder{ResourceId: batontest.Resource(userType, editor).GetId()}.Build())
		if err != nil {
			t.Fatal(outcome(err))
		}
		said := &v2.ResourceDoesNotExist{}
		if _, there := w.User(editor); there || gone != (len(resp.GetAnnotations()) > 0 && resp.GetAnnotations()[0].MessageIs(said)) {
			t.Errorf("the answer is %v, want that the user was gone: %t", resp, gone)
		}
	}
	launch.Holds(t, syncOver(ctx, t, connector), batontest.Expected(w.Users()))
}

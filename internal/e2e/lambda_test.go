//go:build unix

package e2e

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	sdksync "github.com/conductorone/baton-sdk/pkg/sync"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// Calls of one sync, of which the first is the validation, go to whichever instance is free, so what one has read
// reaches the other through the session store alone.
func TestLambdaSyncsAndDeletes(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, sim.Config{Users: 60, PageSize: 5, DeactivationKeeps: true})
	lambda := c1.NewLambda(t, map[string]any{"whimsical-token": leaks.Token, "base-url": w.URL})
	t.Cleanup(func() { accepted(t, lambda.Refusals()) })
	instances := []*launch.Process{launch.Function(t, lambda), launch.Function(t, lambda)}
	ctx := instances[0].Context
	if err := lambda.WaitIdle(ctx, len(instances)); err != nil {
		t.Fatal(err)
	}
	connector := lambda.Connector(ctx)
	// syncs fails the test unless a sync by the SDK's syncer, as ConductorOne runs it, is that of the workspace.
	syncs := func() {
		t.Helper()
		path := filepath.Join(t.TempDir(), "sync.c1z")
		syncer, err := sdksync.NewSyncer(ctx, connector, sdksync.WithC1ZPath(path), sdksync.WithTmpDir(t.TempDir()))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(syncer.Sync(ctx), syncer.Close(ctx)); err != nil {
			t.Fatal(err)
		}
		launch.Holds(t, path, batontest.Expected(w.Users()))
	}

	syncs()
	readOnce(t, w)
	for i, instance := range instances {
		if !strings.Contains(instance.Stdout.String()+instance.Stderr.String(), sim.BasePath+"Users") {
			t.Errorf("instance %d has read nothing", i+1)
		}
	}
	if stored, written := lambda.SessionValues(); written == 0 || stored != 0 {
		t.Errorf("the sync has written %d values to the session store and left %d", written, stored)
	}

	editor := batontest.Resource(userType, person(t, w, isEditor).ID)
	if _, err := connector.DeleteResource(ctx, v2.DeleteResourceRequest_builder{ResourceId: editor.GetId()}.Build()); err != nil {
		t.Fatal(err)
	}
	if _, there := w.User(editor.GetId().GetResource()); there {
		t.Error("the user who was deleted is still there")
	}
	syncs()
}

func TestLambdaRefusesAWrongToken(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	lambda := c1.NewLambda(t, map[string]any{"whimsical-token": "another-token-e5f0", "base-url": w.URL})
	t.Cleanup(func() { accepted(t, lambda.Refusals()) })
	ctx := launch.Function(t, lambda).Context
	if err := lambda.WaitIdle(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := lambda.Connector(ctx).Validate(ctx, &v2.ConnectorServiceValidateRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("the validation has ended with %v, want Unauthenticated", err)
	}
}

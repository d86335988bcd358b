//go:build unix

package e2e

import (
	"context"
	"errors"
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

// function is a lambda function before a simulated workspace.
type function struct {
	*c1.Lambda

	ctx       context.Context
	connector types.ConnectorClient
	instances []*launch.Process
}

// startFunction starts a function that is configured with the given SCIM token, in as many execution environments
// as asked for. The test fails when the function has broken the protocol.
func startFunction(t *testing.T, w *faults.Workspace, token string, instances int) function {
	t.Helper()
	lambda, err := c1.NewLambda(map[string]any{"whimsical-token": token, "base-url": w.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		accepted(t, lambda.Refusals())
		if err := lambda.Close(); err != nil {
			t.Error(err)
		}
	})
	f := function{Lambda: lambda}
	for range instances {
		f.instances = append(f.instances, launch.Function(t, lambda))
	}
	f.ctx = f.instances[0].Context
	if err := lambda.WaitIdle(f.ctx, instances); err != nil {
		t.Fatal(err)
	}
	f.connector = lambda.Connector(f.ctx)
	return f
}

// holds fails the test unless a sync over the lambda transport, by the SDK's syncer, as ConductorOne runs it, is that
// of the workspace.
func (f function) holds(t *testing.T, w *faults.Workspace) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sync.c1z")
	syncer, err := sdksync.NewSyncer(f.ctx, f.connector, sdksync.WithC1ZPath(path), sdksync.WithTmpDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(syncer.Sync(f.ctx), syncer.Close(f.ctx)); err != nil {
		t.Fatal(err)
	}
	launch.Holds(t, path, batontest.Expected(w.Users()))
}

func TestLambdaRefusesAWrongToken(t *testing.T) {
	t.Parallel()
	f := startFunction(t, faults.Serve(t, twelve), "another-token-e5f0", 1)
	if _, err := f.connector.Validate(f.ctx, &v2.ConnectorServiceValidateRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("the validation has ended with %v, want Unauthenticated", err)
	}
}

// Calls of one sync, of which the first is the validation, go to whichever instance is free, so what one has read
// reaches the other through the session store alone.
func TestLambdaSyncsAndDeletes(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, sim.Config{Users: 60, PageSize: 5, DeactivationKeeps: true})
	f := startFunction(t, w, leaks.Token, 2)
	f.holds(t, w)
	readOnce(t, w)
	for i, instance := range f.instances {
		if !strings.Contains(instance.Stdout.String()+instance.Stderr.String(), sim.BasePath+"Users") {
			t.Errorf("instance %d has read nothing", i+1)
		}
	}
	if stored, written := f.SessionValues(); written == 0 || stored != 0 {
		t.Errorf("the sync has written %d values to the session store and left %d", written, stored)
	}

	editor := batontest.Resource(userType, person(t, w, isEditor).ID)
	if _, err := f.connector.DeleteResource(f.ctx, v2.DeleteResourceRequest_builder{ResourceId: editor.GetId()}.Build()); err != nil {
		t.Fatal(err)
	}
	if _, there := w.User(editor.GetId().GetResource()); there {
		t.Error("the user who was deleted is still there")
	}
	f.holds(t, w)
}

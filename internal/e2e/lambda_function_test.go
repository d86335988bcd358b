package e2e

import (
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestLambdaValidates(t *testing.T) {
	t.Parallel()
	f := startFunction(t, newWhimsical(t, twelve), token)
	if _, err := f.connector.Validate(f.ctx, &v2.ConnectorServiceValidateRequest{}); err != nil {
		t.Fatal(outcome(err))
	}
	if requests := f.whimsical.take(); len(requests) != 1 {
		t.Errorf("the validation has caused %v, want one request", requests)
	}
}

func TestLambdaValidatesTheToken(t *testing.T) {
	t.Parallel()
	f := startFunction(t, newWhimsical(t, twelve), "another-token-e5f0")
	_, err := f.connector.Validate(f.ctx, &v2.ConnectorServiceValidateRequest{})
	if status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "token was refused") {
		t.Errorf("the validation has ended with %s, want Unauthenticated", outcome(err))
	}
}

func TestLambdaSyncs(t *testing.T) {
	t.Parallel()
	f := startFunction(t, newWhimsical(t, twelve), token)
	users := f.whimsical.Users()
	f.sync().check(t, expected(users))

	f.checkReadOnce(len(users))
	stored, written := f.c1.SessionValues()
	if written == 0 {
		t.Error("the function has not used the session store")
	}
	if stored != 0 {
		t.Errorf("the sync has left %d values in the session store", stored)
	}
}

// Calls of one sync go to whichever instance is free, so what one has read reaches
// the other through the session store alone.
func TestLambdaSyncsWithSeveralInstances(t *testing.T) {
	t.Parallel()
	f := startFunction(t, newWhimsical(t, sim.Config{Users: 60, DeactivationKeeps: true}), token)
	instances := []*process{f.process, startInstance(t, f.c1, token)}
	if err := f.c1.WaitIdle(f.ctx, len(instances)); err != nil {
		t.Fatal(err)
	}
	users := f.whimsical.Users()
	f.sync().check(t, expected(users))
	f.checkReadOnce(len(users))
	for i, instance := range instances {
		if !strings.Contains(instance.output.String(), sim.BasePath+"Users") {
			t.Errorf("instance %d has read nothing", i+1)
		}
	}
}

// checkReadOnce checks that a sync has read the users once, since the last look: the
// roles find their members in the session store.
func (f *function) checkReadOnce(users int) {
	f.t.Helper()
	// Every page of 5 begins with the last row of the one before; the requests above
	// that are for the end of the list and for the validation.
	requests := f.whimsical.take()
	if budget := (users+3)/4 + 2 + 1; len(requests) > budget {
		f.t.Errorf("%d requests for %d users in pages of 5, want at most %d: %v", len(requests), users, budget, requests)
	}
}

func TestLambdaDeletes(t *testing.T) {
	t.Parallel()
	f := startFunction(t, newWhimsical(t, twelve), token)
	editor := f.whimsical.person(t, isEditor).ID
	remove := func() annotations.Annotations {
		t.Helper()
		resp, err := f.connector.DeleteResource(f.ctx, v2.DeleteResourceRequest_builder{ResourceId: resourceID(userType, editor)}.Build())
		if err != nil {
			t.Fatal(outcome(err))
		}
		return resp.GetAnnotations()
	}
	if annos := remove(); annos.Contains(&v2.ResourceDoesNotExist{}) {
		t.Error("the user is said to be gone already")
	}
	if _, ok := f.whimsical.User(editor); ok {
		t.Error("the user is in the workspace still")
	}
	if annos := remove(); !annos.Contains(&v2.ResourceDoesNotExist{}) {
		t.Error("the second time, the user is not said to be gone")
	}
	f.sync().check(t, expected(f.whimsical.Users()))
}

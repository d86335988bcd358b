package e2e

import (
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/synctest"
)

// access is what a sync says of every user, by id: "editor", "viewer", "no role" or
// "inactive".
type access map[string]string

func accessOf(p *synctest.Picture) access {
	a := access{}
	for _, resource := range p.Resources {
		id := resource.GetId()
		if id.GetResourceType() != userType {
			continue
		}
		a[id.GetResource()] = "no role"
		if resource.GetStatus().GetStatus() == v2.Status_RESOURCE_STATUS_DISABLED {
			a[id.GetResource()] = "inactive"
		}
	}
	for _, grant := range p.Grants {
		a[grant.GetPrincipal().GetId().GetResource()] = grant.GetEntitlement().GetResource().GetId().GetResource()
	}
	return a
}

// with returns the access after a change: a user's new state, "" for a user who is
// gone.
func (a access) with(id, state string) access {
	changed := maps.Clone(a)
	changed[id] = state
	if state == "" {
		delete(changed, id)
	}
	return changed
}

// expects fails the test unless a fresh sync says this.
func (s *shell) expects(want access) {
	s.t.Helper()
	got := accessOf(s.sync())
	if maps.Equal(got, want) {
		return
	}
	for id := range want {
		if got[id] != want[id] {
			s.t.Errorf("user %s is %q, want %q", id, got[id], want[id])
		}
	}
	for id := range got {
		if _, ok := want[id]; !ok {
			s.t.Errorf("user %s is %q, and should not be there", id, got[id])
		}
	}
}

// fails runs the one-shot binary, which must exit with a code and say why.
func (s *shell) fails(code codes.Code, says string, args ...string) {
	s.t.Helper()
	o := s.run(args...)
	if o.code != int(code) || !strings.Contains(o.stderr, says) {
		s.t.Errorf("%v: exit %d, want %d; %q is not in:\n%s", args, o.code, code, says, o.stderr)
	}
}

// untouched fails the test when a request that may change something has come since
// the last look.
func (w *whimsical) untouched(t *testing.T) {
	t.Helper()
	if changes := mutations(w.take()); len(changes) != 0 {
		t.Errorf("the workspace was sent %v", changes)
	}
}

// loseOneAnswer carries out the next request with a method, and resets the
// connection in place of the answer.
func (w *whimsical) loseOneAnswer(t *testing.T, method string) {
	t.Helper()
	w.fail(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method != method {
			return false
		}
		w.fail(nil)
		w.Handler().ServeHTTP(httptest.NewRecorder(), r)
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // the connection ends in any case
		}
		_ = conn.Close()
		return true
	})
}

func grantArgs(role, user string) []string {
	return []string{"--grant-entitlement", entitlementID(role), "--grant-principal", user, "--grant-principal-type", userType}
}

func revokeArgs(role, user string) []string {
	return []string{"--revoke-grant", grantID(role, user)}
}

func deleteArgs(user string) []string {
	return []string{"--delete-resource", user, "--delete-resource-type", userType}
}

func actionArgs(name, user string) []string {
	return []string{"--invoke-action", name, "--invoke-action-args", `{"user_id":"` + user + `"}`}
}

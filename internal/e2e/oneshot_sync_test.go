//go:build unix

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestOneShotSyncHoldsTheWorkspaceWhateverItsSize(t *testing.T) {
	for _, users := range []int{0, 1, 100, 101, 10000} {
		t.Run(fmt.Sprintf("%d users", users), func(t *testing.T) {
			w := faults.Serve(t, sim.Config{Users: users})
			launch.NewFolder(t, w).Syncs(w.Users())
			if got, budget := len(w.TakeRequests()), (users+98)/99+3; got > budget {
				t.Errorf("%d requests, want at most %d", got, budget)
			}
		})
	}
}

func TestBaseURLWorksWithoutItsSlash(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, sim.Config{Users: 3})
	w.URL = strings.TrimSuffix(w.URL, "/")
	launch.NewFolder(t, w).Syncs(w.Users())
}

func TestSyncKilledAtAnyMomentEndsWithTheSameResult(t *testing.T) {
	for _, at := range []int{1, 2, 3, 5, 8, 12, 16, 19, 21, 22} {
		t.Run(fmt.Sprintf("at request %d", at), func(t *testing.T) {
			w := faults.Serve(t, sim.Config{Users: 2000})
			hold, release := faults.Hold()
			w.Set(faults.Rule{Fault: hold, After: at - 1, Times: 1})
			f := launch.NewFolder(t, w)
			p := f.Start()
			p.Until(w.Struck())
			if err := p.Cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			release()
			if p.Wait() == 0 {
				t.Fatal("the killed sync exited with 0")
			}
			f.Syncs(w.Users())
		})
	}
}

func TestTargetedSyncHoldsTheUserAndTheirGrant(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, leaving)
	f := launch.NewFolder(t, w)
	f.Succeed()
	for _, user := range w.Users() {
		file := filepath.Join(f.Dir, user.ID+".c1z")
		f.Succeed("--sync-resources", "bid:r:user/"+user.ID, "--file", file)
		picture, err := batontest.Read(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		got, want := picture.Access(), batontest.Expected([]sim.User{user})
		for thing, said := range want {
			if is, ok := got[thing]; strings.Contains(thing, user.ID) && (!ok || is != said) {
				t.Errorf("%s is %q, want %q", thing, is, said)
			}
		}
		if wanted := len(want) - len(batontest.Expected(nil)) - 1; len(picture.Grants) != wanted {
			t.Errorf("%d grants, want %d", len(picture.Grants), wanted)
		}
	}
}

// answering serves the same answer to every request.
func answering(t *testing.T, status int, contentType, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body) // the client may be gone
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestSyncThatCannotWorkSaysWhyAndSealsNothing(t *testing.T) {
	w := faults.Serve(t, sim.Config{Users: 3})
	for name, test := range map[string]struct {
		env  string
		code codes.Code
		says string
	}{
		"a wrong token": {"BATON_WHIMSICAL_TOKEN=wrong", codes.Unauthenticated, "reveal it again in Whimsical's Workspace settings"},
		"a base URL with nothing behind it": {
			"BATON_BASE_URL=" + answering(t, 404, "text/plain", "not found"), codes.FailedPrecondition, "check base-url",
		},
		"a base URL with a web page behind it": {
			"BATON_BASE_URL=" + answering(t, 200, "text/html", "<!doctype html><title>Welcome</title>"), codes.FailedPrecondition, "it is a web page",
		},
		"a base URL with another API behind it": {
			"BATON_BASE_URL=" + answering(t, 200, "application/json", `{"hello":"world"}`), codes.FailedPrecondition, "no SCIM ListResponse",
		},
		"a base URL that would send the token unencrypted": {
			"BATON_BASE_URL=http://whimsical.example.com/scim-v2/", codes.InvalidArgument, "use https",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := launch.NewFolder(t, w)
			f.Env = append(f.Env, test.env)
			f.Fail(test.code, test.says)
			f.HoldsNothing()
		})
	}
}

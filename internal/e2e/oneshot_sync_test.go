package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/internal/synctest"
)

// largeWorkspace serves a workspace with whole pages and counts the requests for
// /Users. before, when not nil, runs ahead of each with its number.
func largeWorkspace(t *testing.T, users int, before func(n int64)) (string, []sim.User, *atomic.Int64) {
	t.Helper()
	workspace, err := sim.New(sim.Config{Users: users, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	requests := &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := requests.Add(1)
		if before != nil {
			before(n)
		}
		workspace.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL + sim.BasePath, workspace.Users(), requests
}

// assertWhole fails unless a picture holds exactly what users have.
func assertWhole(t *testing.T, p *synctest.Picture, users []sim.User) {
	t.Helper()
	want := expected(users)
	if got := len(p.Resources); got != len(want.Users)+2 {
		t.Errorf("%d resources, want %d", got, len(want.Users)+2)
	}
	for id := range want.Users {
		if p.Resources["user:"+id] == nil {
			t.Errorf("user %s is missing", id)
		}
	}
	if got := slices.Sorted(maps.Keys(p.Entitlements)); !slices.Equal(got, slices.Sorted(maps.Keys(want.Entitlements))) {
		t.Errorf("entitlements: %v", got)
	}
	if got := slices.Sorted(maps.Keys(p.Grants)); !slices.Equal(got, slices.Sorted(maps.Keys(want.Grants))) {
		t.Errorf("%d grants, want %d, or others", len(got), len(want.Grants))
	}
}

func TestOneShotSyncHoldsTheWorkspaceWhateverItsSize(t *testing.T) {
	for _, users := range []int{0, 1, 100, 101, 10000} {
		t.Run(fmt.Sprintf("%d users", users), func(t *testing.T) {
			url, all, requests := largeWorkspace(t, users, nil)
			assertWhole(t, newShell(t, url).sync(), all)
			if budget := int64((users+98)/99 + 3); requests.Load() > budget {
				t.Errorf("%d requests, want at most %d", requests.Load(), budget)
			}
		})
	}
}

func TestBaseURLWorksWithAndWithoutItsSlash(t *testing.T) {
	url, all, _ := largeWorkspace(t, 3, nil)
	for _, base := range []string{url, strings.TrimSuffix(url, "/")} {
		assertWhole(t, newShell(t, base).sync(), all)
	}
}

func TestSyncKilledAtAnyMomentEndsWithTheSameResult(t *testing.T) {
	const users = 2000
	for _, at := range []int64{1, 2, 3, 5, 8, 12, 16, 19, 21, 22} {
		t.Run(fmt.Sprintf("at request %d", at), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			reached := make(chan struct{})
			hold := make(chan struct{})
			url, all, _ := largeWorkspace(t, users, func(n int64) {
				if n == at {
					close(reached)
					<-hold
				}
			})
			s := newShell(t, url)
			cmd := s.command(ctx)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-reached:
			case <-ctx.Done():
				t.Fatal(ctx.Err())
			}
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			close(hold)
			if err := cmd.Wait(); err == nil {
				t.Fatal("the killed sync exited with 0")
			}
			assertWhole(t, s.sync(), all)
		})
	}
}

func TestTargetedSyncHoldsTheUserAndTheirGrant(t *testing.T) {
	w := newWhimsical(t, sim.Config{Users: 12})
	s := newShell(t, w.url)
	s.succeed()
	for _, user := range w.Users() {
		file := filepath.Join(s.dir, user.ID+".c1z")
		s.succeed("--sync-resources", "bid:r:user/"+user.ID, "--file", file)
		p, err := synctest.Read(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		if p.Resources["user:"+user.ID] == nil {
			t.Errorf("user %s is missing", user.ID)
		}
		var want []string
		if role := roleOf(user); role != "" {
			want = []string{grantID(role, user.ID)}
		}
		if got := slices.Collect(maps.Keys(p.Grants)); !slices.Equal(got, want) {
			t.Errorf("grants %v, want %v", got, want)
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
	w := newWhimsical(t, sim.Config{Users: 3})
	for name, test := range map[string]struct {
		url  string
		env  string
		code codes.Code
		says string
	}{
		"a wrong token": {w.url, "BATON_WHIMSICAL_TOKEN=wrong", codes.Unauthenticated, "reveal it again in Whimsical's Workspace settings"},
		"a base URL with nothing behind it": {
			answering(t, 404, "text/plain", "not found"), "", codes.FailedPrecondition, "check base-url",
		},
		"a base URL with a web page behind it": {
			answering(t, 200, "text/html", "<!doctype html><title>Welcome</title>"), "", codes.FailedPrecondition, "it is a web page",
		},
		"a base URL with another API behind it": {
			answering(t, 200, "application/json", `{"hello":"world"}`), "", codes.FailedPrecondition, "no SCIM ListResponse",
		},
		"a base URL that would send the token unencrypted": {
			"http://whimsical.example.com/scim-v2/", "", codes.InvalidArgument, "use https",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, test.url)
			cmd := s.command(t.Context())
			cmd.Env = append(cmd.Env, test.env)
			o := finished(t, cmd)
			if o.code != int(test.code) || !strings.Contains(o.stderr, test.says) {
				t.Errorf("exit %d, want %d; %q is not in:\n%s", o.code, test.code, test.says, o.stderr)
			}
			if _, err := synctest.Read(t.Context(), s.file); err == nil {
				t.Error("the file holds a completed sync")
			} else if _, statErr := os.Stat(s.file); statErr == nil && !errors.Is(err, synctest.ErrNoSync) {
				t.Logf("the file cannot be read: %v", err)
			}
		})
	}
}

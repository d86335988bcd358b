package connector_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/sync"
	"github.com/conductorone/baton-sdk/pkg/types/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/internal/synctest"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

const token = "test-token-0123456789"

// workspace is a simulated workspace that counts the listing requests.
type workspace struct {
	*sim.Workspace
	url      string
	requests atomic.Int64
	// before, when set, runs ahead of each request with its number.
	before func(n int64)
}

func newWorkspace(t *testing.T, cfg sim.Config) *workspace {
	t.Helper()
	cfg.Token = token
	simulated, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &workspace{Workspace: simulated}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n := w.requests.Add(1)
		if w.before != nil {
			w.before(n)
		}
		simulated.Handler().ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL + sim.BasePath
	return w
}

func start(t *testing.T, url string, wrap func(sessions.SessionStore) sessions.SessionStore) *synctest.Harness {
	t.Helper()
	built, _, err := connector.New(t.Context(), &config.Whimsical{WhimsicalToken: token, BaseUrl: url}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := synctest.Start(t.Context(), built, wrap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func syncAndRead(t *testing.T, h *synctest.Harness, options ...sync.SyncOpt) *synctest.Picture {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sync.c1z")
	if err := h.Sync(t.Context(), path, options...); err != nil {
		t.Fatalf("sync: %v", err)
	}
	picture, err := synctest.Read(t.Context(), path)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return picture
}

// expected are the ids that a full sync of users must hold.
func expected(users []sim.User) (resources, grants []string) {
	resources = []string{"role:editor", "role:viewer"}
	for _, user := range users {
		resources = append(resources, "user:"+user.ID)
		if !user.Active || user.Editor == nil {
			continue
		}
		role := "viewer"
		if *user.Editor {
			role = "editor"
		}
		grants = append(grants, fmt.Sprintf("role:%s:assigned:user:%s", role, user.ID))
	}
	slices.Sort(resources)
	slices.Sort(grants)
	return resources, grants
}

func assertPicture(t *testing.T, picture *synctest.Picture, users []sim.User) {
	t.Helper()
	resources, grants := expected(users)
	assertIDs(t, "resources", slices.Sorted(maps.Keys(picture.Resources)), resources)
	assertIDs(t, "grants", slices.Sorted(maps.Keys(picture.Grants)), grants)
	assertIDs(t, "entitlements", slices.Sorted(maps.Keys(picture.Entitlements)),
		[]string{"role:editor:assigned", "role:viewer:assigned"})
}

func assertIDs(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("%s: got %d, want %d", what, len(got), len(want))
	for _, id := range want {
		if !slices.Contains(got, id) {
			t.Errorf("%s: %s is missing", what, id)
		}
	}
	for _, id := range got {
		if !slices.Contains(want, id) {
			t.Errorf("%s: %s is too much", what, id)
		}
	}
}

func TestFullSyncHoldsEveryUserAndGrantWithOneReadEach(t *testing.T) {
	for _, users := range []int{0, 1, 2, 12, 99, 100, 101, 199, 200, 1000} {
		t.Run(fmt.Sprintf("%d users", users), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Users: users})
			assertPicture(t, syncAndRead(t, start(t, w.url, nil)), w.Users())
			if budget := int64((users+98)/99 + 3); w.requests.Load() > budget {
				t.Errorf("%d requests, want at most %d", w.requests.Load(), budget)
			}
		})
	}
}

func TestSyncIsExactWhenTheSessionStoreLosesPages(t *testing.T) {
	for _, every := range []int{1, 3, 7} {
		t.Run(fmt.Sprintf("every %d. page lost", every), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Users: 1234})
			h := start(t, w.url, func(store sessions.SessionStore) sessions.SessionStore {
				return &forgetful{SessionStore: store, every: every}
			})
			assertPicture(t, syncAndRead(t, h), w.Users())
		})
	}
}

// forgetful loses every n-th member page.
type forgetful struct {
	sessions.SessionStore
	every, reads int
}

func (f *forgetful) GetMany(ctx context.Context, keys []string, options ...sessions.SessionStoreOption) (map[string][]byte, []string, error) {
	values, unprocessed, err := f.SessionStore.GetMany(ctx, keys, options...)
	for key := range values {
		if f.reads++; strings.HasPrefix(key, "members/") && f.reads%f.every == 0 {
			delete(values, key)
		}
	}
	return values, unprocessed, err
}

// failing is a store whose writes fail with errors, one after the other.
type failing struct {
	sessions.SessionStore
	errors []error
}

func (f *failing) SetMany(ctx context.Context, values map[string][]byte, options ...sessions.SessionStoreOption) error {
	if len(f.errors) > 0 {
		err := f.errors[0]
		f.errors = f.errors[1:]
		if err != nil {
			return err
		}
	}
	return f.SessionStore.SetMany(ctx, values, options...)
}

func TestSyncEndsWhenTheSessionStoreFails(t *testing.T) {
	for after := range 4 {
		t.Run(fmt.Sprintf("after %d writes", after), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Users: 2500})
			h := start(t, w.url, func(store sessions.SessionStore) sessions.SessionStore {
				return &failing{store, append(make([]error, after), status.Error(codes.Internal, "disk full"))}
			})
			err := h.Sync(t.Context(), filepath.Join(t.TempDir(), "sync.c1z"))
			if err == nil || !strings.Contains(err.Error(), "cannot be kept in the session store") || !strings.Contains(err.Error(), "disk full") {
				t.Errorf("the sync ended with %v", err)
			}
		})
	}
}

func TestSyncSurvivesAWriteThatFailsForAMoment(t *testing.T) {
	for after := range 4 {
		t.Run(fmt.Sprintf("after %d writes", after), func(t *testing.T) {
			t.Parallel() // the SDK waits a second
			w := newWorkspace(t, sim.Config{Users: 2500})
			h := start(t, w.url, func(store sessions.SessionStore) sessions.SessionStore {
				return &failing{store, append(make([]error, after), status.Error(codes.Unavailable, "busy"))}
			})
			assertPicture(t, syncAndRead(t, h), w.Users())
		})
	}
}

func TestOfAUserTwiceInOneAnswerTheLastRowCounts(t *testing.T) {
	const row = `{"id":%q,"userName":"%[1]s@example.com","active":true,"urn:ietf:params:scim:schemas:extension:whimsical:2.0:User":{"editor":%t}}`
	users := []string{fmt.Sprintf(row, "u1", true), fmt.Sprintf(row, "u2", true), fmt.Sprintf(row, "u1", false)}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		// Paging is ignored, so that the only page is the last one.
		_, _ = fmt.Fprintf(rw, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":2,"Resources":[%s]}`, strings.Join(users, ","))
	}))
	t.Cleanup(server.Close)
	for name, wrap := range map[string]func(sessions.SessionStore) sessions.SessionStore{
		"from the store": nil,
		"from the API": func(store sessions.SessionStore) sessions.SessionStore {
			return &forgetful{SessionStore: store, every: 1}
		},
	} {
		t.Run(name, func(t *testing.T) {
			picture := syncAndRead(t, start(t, server.URL, wrap))
			assertIDs(t, "grants", slices.Sorted(maps.Keys(picture.Grants)), []string{"role:editor:assigned:user:u2", "role:viewer:assigned:user:u1"})
		})
	}
}

func TestSyncOfRolesAloneReadsTheUsersFromTheAPI(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 250})
	picture := syncAndRead(t, start(t, w.url, nil), sync.WithSyncResourceTypes([]string{"role"}))
	assertIDs(t, "resources", slices.Sorted(maps.Keys(picture.Resources)), []string{"role:editor", "role:viewer"})
}

func TestUsersWhoMoveDuringTheSyncAreAllHeld(t *testing.T) {
	for at := int64(2); at <= 8; at++ {
		for name, change := range map[string]func(w *sim.Workspace){
			"a user before the position leaves": func(w *sim.Workspace) { w.Remove(w.Users()[3].ID) },
			"a user joins at the front": func(w *sim.Workspace) {
				w.Insert(0, sim.User{UserName: "new@example.com", Email: "new@example.com", Active: true})
			},
			"the last user moves to the front": func(w *sim.Workspace) { w.Move(len(w.Users())-1, 0) },
			"two users swap across the position": func(w *sim.Workspace) {
				last := len(w.Users()) - 1
				w.Move(last, 5)
				w.Move(6, last)
			},
		} {
			t.Run(fmt.Sprintf("%s before request %d", name, at), func(t *testing.T) {
				w := newWorkspace(t, sim.Config{Users: 550})
				before := w.Users()
				w.before = func(n int64) {
					if n == at {
						change(w.Workspace)
					}
				}
				picture := syncAndRead(t, start(t, w.url, nil))
				for _, user := range before {
					if _, there := w.User(user.ID); !there {
						continue
					}
					if picture.Resources["user:"+user.ID] == nil {
						t.Errorf("user %s is missing", user.ID)
					}
				}
			})
		}
	}
}

package connector_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/pagination"
	"github.com/conductorone/baton-sdk/pkg/sync"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

// workspace is a simulated workspace that counts the requests.
type workspace struct {
	*sim.Workspace
	url      string
	requests atomic.Int64
	// before, when set, runs ahead of each request, with its number.
	before func(n int64, rw http.ResponseWriter, r *http.Request)
}

func newWorkspace(t *testing.T, cfg sim.Config) *workspace {
	t.Helper()
	cfg.Token = scimscript.Token
	simulated, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &workspace{Workspace: simulated}
	w.url = serve(t, func(rw http.ResponseWriter, r *http.Request) {
		n := w.requests.Add(1)
		if w.before != nil {
			w.before(n, rw, r)
		}
		simulated.Handler().ServeHTTP(rw, r)
	}) + sim.BasePath
	return w
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// rowOf is the row of user i: an active Editor, or an active Viewer.
func rowOf(i int, editor bool) string {
	return fmt.Sprintf(`{"id":"u%d","userName":"u%[1]d@example.com","active":true,%s:{"editor":%t}}`, i, extension, editor)
}

// everybody are the rows of so many users, of whom every third is an Editor.
func everybody(users int) []string {
	var rows []string
	for i := range users {
		rows = append(rows, rowOf(i, i%3 == 0))
	}
	return rows
}

// serveRows serves what rows returns for the number of a request, from 1, by startIndex and count.
func serveRows(t *testing.T, rows func(request int) []string) string {
	t.Helper()
	requests := 0
	return serve(t, func(rw http.ResponseWriter, r *http.Request) {
		requests++
		from, count := 0, 0
		_, _ = fmt.Sscan(r.URL.Query().Get("startIndex"), &from)
		_, _ = fmt.Sscan(r.URL.Query().Get("count"), &count)
		all := rows(requests)
		from = min(from-1, len(all))
		_, _ = fmt.Fprintf(rw, `{"totalResults":%d,"Resources":[%s]}`, len(all), strings.Join(all[from:min(from+count, len(all))], ","))
	})
}

// always serves the same rows to each request.
func always(t *testing.T, rows ...string) string {
	t.Helper()
	return serveRows(t, func(int) []string { return rows })
}

func build(t *testing.T, url string, options ...func(*connector.Connector)) *connector.Connector {
	t.Helper()
	built, _, err := connector.New(t.Context(), &config.Whimsical{WhimsicalToken: scimscript.Token, BaseUrl: url}, nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	return built.(*connector.Connector)
}

func start(t *testing.T, url string) *batontest.Harness {
	t.Helper()
	h, err := batontest.Start(t.Context(), build(t, url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func syncAndRead(t *testing.T, h *batontest.Harness, options ...sync.SyncOpt) *batontest.Picture {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sync.c1z")
	if err := h.Sync(t.Context(), path, options...); err != nil {
		t.Fatalf("sync: %v", err)
	}
	picture, err := batontest.Read(t.Context(), path)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return picture
}

// logged returns a context in whose log the entries of a level and above are observed.
func logged(t *testing.T, level zapcore.Level) (context.Context, *observer.ObservedLogs) {
	t.Helper()
	core, log := observer.New(level)
	return ctxzap.ToContext(t.Context(), zap.New(core)), log
}

// line is an entry of a log with its fields.
func line(entry observer.LoggedEntry) string {
	text, fields := fmt.Sprintf("%s: %s:", entry.Level, entry.Message), entry.ContextMap()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		text += fmt.Sprintf(" %s=%v", name, fields[name])
	}
	return text
}

func lines(log *observer.ObservedLogs) []string {
	var all []string
	for _, entry := range log.All() {
		all = append(all, line(entry))
	}
	return all
}

func assertIDs(t *testing.T, what string, ids iter.Seq[string], want ...string) {
	t.Helper()
	if different := differences(slices.Collect(ids), want); len(different) > 0 {
		t.Errorf("%s: %v", what, different)
	}
}

// differences returns one line for each id that is not in both lists equally often, sorted: the id, and how
// often it is in got more than in want.
func differences(got, want []string) []string {
	more := map[string]int{}
	for _, id := range got {
		more[id]++
	}
	for _, id := range want {
		more[id]--
	}
	var lines []string
	for id, n := range more {
		if n != 0 {
			lines = append(lines, fmt.Sprintf("%s %+d", id, n))
		}
	}
	slices.Sort(lines)
	return lines
}

// grants returns the ids of the grants of roles that a sync must hold.
func (w *workspace) grants(roles ...string) []string {
	var ids []string
	for _, user := range w.Users() {
		if role := batontest.RoleOf(user); slices.Contains(roles, role) {
			ids = append(ids, batontest.Grant(role, user.ID).GetId())
		}
	}
	return ids
}

// aSync calls the builders of users and of roles as a sync does.
type aSync struct {
	ctx          context.Context
	users, roles connectorbuilder.ResourceSyncerV2
	store        *batontest.Store
	id           string
	// before, when set, runs ahead of each call.
	before func()
}

func newSync(t *testing.T, url string, options ...func(*connector.Connector)) *aSync {
	t.Helper()
	built := build(t, url, options...).ResourceSyncers(t.Context())
	return &aSync{ctx: t.Context(), users: built[0], roles: built[1], store: &batontest.Store{}, id: "sync"}
}

func (s *aSync) page(token string) rs.SyncOpAttrs {
	if s.before != nil {
		s.before()
	}
	return rs.SyncOpAttrs{Session: s.store, SyncID: s.id, PageToken: pagination.Token{Token: token}}
}

// list lists the users from a page on, and returns the ids.
func (s *aSync) list(token string) ([]string, error) {
	return drain(token, func(token string) ([]*v2.Resource, *rs.SyncOpResults, error) {
		return s.users.List(s.ctx, nil, s.page(token))
	},
		func(r *v2.Resource) string { return r.GetId().GetResource() })
}

// grants returns the ids of the grants of both roles.
func (s *aSync) grants() ([]string, error) {
	var both []string
	for _, role := range []string{"editor", "viewer"} {
		ids, err := drain("", func(token string) ([]*v2.Grant, *rs.SyncOpResults, error) {
			return s.roles.Grants(s.ctx, batontest.Resource("role", role), s.page(token))
		}, (*v2.Grant).GetId)
		if err != nil {
			return nil, err
		}
		both = append(both, ids...)
	}
	return both, nil
}

// drain reads pages to the end or an error, and repeats what is unavailable, as the SDK does.
func drain[T any](token string, read func(token string) ([]T, *rs.SyncOpResults, error), id func(T) string) ([]string, error) {
	var ids []string
	for {
		rows, results, err := read(token)
		switch {
		case status.Code(err) == codes.Unavailable:
			continue
		case err != nil:
			return ids, err
		}
		for _, row := range rows {
			ids = append(ids, id(row))
		}
		if token = results.NextPageToken; token == "" {
			return ids, nil
		}
	}
}

func distinct(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }

// mustList lists all users without an error, and returns the ids.
func (s *aSync) mustList(t *testing.T) []string {
	t.Helper()
	ids, err := s.list("")
	if err != nil {
		t.Error(err)
	}
	return ids
}

// assertGrants compares the grants with those of a workspace.
func (s *aSync) assertGrants(t *testing.T, w *workspace) {
	t.Helper()
	got, err := s.grants()
	if err != nil {
		t.Error(err)
	}
	assertIDs(t, "grants", slices.Values(got), w.grants("editor", "viewer")...)
}

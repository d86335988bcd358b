//go:build unix

// Package bench measures whole syncs and their floor: the same resources
// and grants from a connector that makes no request.
package bench

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/cli"
	sdkconfig "github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/field"
	"github.com/conductorone/baton-sdk/pkg/types/grant"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

// BenchmarkSync runs whole syncs in this process, the simulated workspace
// included. x-floor is the time as a multiple of the floor's in the same run.
func BenchmarkSync(b *testing.B) {
	for _, users := range []int{1000, 10000, 100000} {
		var floorTime float64
		b.Run(fmt.Sprintf("floor/users=%d", users), func(b *testing.B) {
			floorTime = syncs(b, newFloor(b.Context(), users))
		})
		b.Run(fmt.Sprintf("whimsical/users=%d", users), func(b *testing.B) {
			url, requests := workspace(b, users, 0)
			built, _, err := connector.New(b.Context(), &config.Whimsical{WhimsicalToken: leaks.Token, BaseUrl: url}, nil)
			if err != nil {
				b.Fatal(err)
			}
			perSync := syncs(b, built)
			b.ReportMetric(float64(requests.Load())/float64(b.N), "requests/op")
			if floorTime > 0 {
				b.ReportMetric(perSync/floorTime, "x-floor")
			}
		})
	}
}

// syncs runs b.N syncs, each into a new file, and returns the nanoseconds of one.
func syncs(b *testing.B, built connectorbuilder.ConnectorBuilderV2) float64 {
	b.Helper()
	h, err := batontest.Start(b.Context(), built)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(h.Close)
	dir := b.TempDir()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if err := h.Sync(b.Context(), filepath.Join(dir, fmt.Sprintf("%d.c1z", i))); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	return float64(b.Elapsed().Nanoseconds()) / float64(b.N)
}

func TestTheFloorHoldsWhatTheConnectorHolds(t *testing.T) {
	var people []sim.User
	for i := range 2345 {
		people = append(people, sim.Person(i))
	}
	bare := newFloor(t.Context(), len(people))
	for range 2 { // the second sync of a process does not hold the first one's members
		h, err := batontest.Start(t.Context(), bare)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "sync.c1z")
		if err := h.Sync(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		h.Close()
		launch.Holds(t, path, batontest.Expected(people))
	}
}

// workspace serves a simulated workspace and counts its requests, each of which takes latency. An answer is
// made once and then repeated: the server shares the machine with what is measured.
func workspace(b *testing.B, users int, latency time.Duration) (string, *atomic.Int64) {
	b.Helper()
	simulated, err := sim.New(sim.Config{Users: users, Token: leaks.Token})
	if err != nil {
		b.Fatal(err)
	}
	requests := &atomic.Int64{}
	var answers sync.Map // of *httptest.ResponseRecorder, by request
	handler := simulated.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		time.Sleep(latency)
		key := r.Method + " " + r.RequestURI + " " + r.Header.Get("Authorization")
		known, ok := answers.Load(key)
		if !ok {
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, r)
			known, _ = answers.LoadOrStore(key, recorder)
		}
		answer := known.(*httptest.ResponseRecorder) //nolint:forcetypeassert // nothing else is stored
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) //nolint:gosec // no browser reads it; a client who is gone is no error of the server
	}))
	b.Cleanup(server.Close)
	return server.URL + sim.BasePath, requests
}

// floorUsers is the environment variable that makes this binary be the floor's connector, with so many users.
const floorUsers = "BENCH_FLOOR_USERS"

func TestMain(m *testing.M) {
	if users, err := strconv.Atoi(os.Getenv(floorUsers)); err == nil {
		build := func(ctx context.Context, _ *config.Whimsical, _ *cli.ConnectorOpts) (connectorbuilder.ConnectorBuilderV2, []connectorbuilder.Opt, error) {
			return newFloor(ctx, users), nil, nil
		}
		sdkconfig.RunConnector(context.Background(), "baton-floor", "bench", field.NewConfiguration(nil), build)
		return
	}
	os.Exit(launch.Main(m))
}

// floor is a connector that makes no request at all: it returns the seeded users of the simulated workspace, and
// their grants, from memory, and the rest, which takes no request, as the real one does. What the SDK needs for a
// sync of it is the floor below which no connector can come.
type floor struct {
	connectorbuilder.ConnectorBuilderV2

	total   int
	members map[string][][]string // the holders of each role, by the page that listed them
}

func newFloor(ctx context.Context, users int) *floor {
	own, _, _ := connector.New(ctx, &config.Whimsical{WhimsicalToken: leaks.Token}, nil) // which asks nobody
	return &floor{ConnectorBuilderV2: own, total: users, members: map[string][][]string{}}
}

func (*floor) Validate(context.Context) (annotations.Annotations, error) { return nil, nil }

func (f *floor) ResourceSyncers(ctx context.Context) []connectorbuilder.ResourceSyncerV2 {
	syncers := f.ConnectorBuilderV2.ResourceSyncers(ctx)
	for i, own := range syncers {
		syncers[i] = floorOf{own, f}
	}
	return syncers
}

type floorOf struct {
	connectorbuilder.ResourceSyncerV2
	*floor
}

// List returns pages as the real listing does: the first has 100 rows, the others have 99, and an empty page ends it.
func (f floorOf) List(ctx context.Context, parent *v2.ResourceId, opts rs.SyncOpAttrs) ([]*v2.Resource, *rs.SyncOpResults, error) {
	if f.ResourceType(ctx).GetId() != "user" {
		return f.ResourceSyncerV2.List(ctx, parent, opts)
	}
	from, _ := strconv.Atoi(opts.PageToken.Token) // our own token; "" is 0
	to := min(from+99, f.total)
	if from == 0 {
		clear(f.members) // of an earlier sync
		to = min(100, f.total)
	}
	var list []*v2.Resource
	members := map[string][]string{}
	for i := from; i < to; i++ {
		person := sim.Person(i)
		list = append(list, user(person))
		role := batontest.RoleOf(person)
		members[role] = append(members[role], person.ID)
	}
	for _, role := range batontest.Roles {
		f.members[role] = append(f.members[role], members[role])
	}
	if from == to {
		return list, &rs.SyncOpResults{}, nil
	}
	return list, &rs.SyncOpResults{NextPageToken: strconv.Itoa(to)}, nil
}

// user is the resource that the connector makes of a seeded user.
func user(person sim.User) *v2.Resource {
	status := v2.UserTrait_Status_STATUS_DISABLED
	if person.Active {
		status = v2.UserTrait_Status_STATUS_ENABLED
	}
	values := map[string]any{
		"user_id": person.ID, "user_name": person.UserName, "email": person.Email, "display_name": person.DisplayName,
		"first_name": person.GivenName, "last_name": person.FamilyName, "active": person.Active,
	}
	if role := batontest.RoleOf(person); role != "" {
		values["role"] = role
	}
	profile, _ := structpb.NewStruct(values) // the names are UTF-8
	return v2.Resource_builder{
		Id: batontest.Resource("user", person.ID).GetId(), DisplayName: person.DisplayName, Profile: profile,
		Status: v2.Status_builder{Status: v2.Status_ResourceStatus(status)}.Build(), CreatedAt: timestamppb.New(person.Created),
		Annotations: annotations.New(
			v2.UserTrait_builder{
				Login: person.UserName, AccountType: v2.UserTrait_ACCOUNT_TYPE_HUMAN,
				Status: v2.UserTrait_Status_builder{Status: status}.Build(),
				Emails: []*v2.UserTrait_Email{{Address: person.Email, IsPrimary: true}},
			}.Build(),
			v2.RawId_builder{Id: person.ID}.Build(),
			&v2.SkipGrants{},
		),
	}.Build()
}

// Grants returns as many rows in an answer as the real connector: up to 20 pages or 2,000 members. The token is the
// number of a page.
func (f floorOf) Grants(_ context.Context, resource *v2.Resource, opts rs.SyncOpAttrs) ([]*v2.Grant, *rs.SyncOpResults, error) {
	slim := v2.Resource_builder{Id: resource.GetId()}.Build()
	pages := f.members[resource.GetId().GetResource()]
	next, _ := strconv.Atoi(opts.PageToken.Token) // our own token; "" is 0
	var list []*v2.Grant
	for n := 0; n < 20 && next < len(pages) && len(list) < 2000; n++ {
		for _, id := range pages[next] {
			list = append(list, grant.NewGrant(slim, "assigned", batontest.Resource("user", id).GetId()))
		}
		next++
	}
	if next == len(pages) {
		return list, &rs.SyncOpResults{}, nil
	}
	return list, &rs.SyncOpResults{NextPageToken: strconv.Itoa(next)}, nil
}

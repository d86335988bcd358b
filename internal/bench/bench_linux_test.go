// Package bench measures whole syncs and their floor: the same resources and grants from a connector that makes
// no request.
package bench

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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

// BenchmarkProcess runs the real binary and the floor's, turn about, and reports the medians: wall and CPU
// seconds and peak anonymous memory of both of its processes together, requests and file size. The ratios are
// those of the medians. The simulated workspace runs in this process.
//
//	go test ./internal/bench -run '^$' -bench Process -benchtime 5x -timeout 60m
func BenchmarkProcess(b *testing.B) {
	for _, users := range []int{1000, 10000, 100000} {
		for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
			b.Run(fmt.Sprintf("users=%d/latency=%s", users, latency), func(b *testing.B) {
				processes(b, users, latency)
			})
		}
	}
}

func processes(b *testing.B, users int, latency time.Duration) {
	b.Helper()
	url, requests := workspace(b, users, latency)
	var floors, runs []run
	b.ResetTimer()
	for range b.N {
		floors = append(floors, execute(b, os.Args[0], fmt.Sprintf("%s=%d", floorUsers, users)))
		runs = append(runs, execute(b, launch.Binary(b, launch.Connector), "BATON_WHIMSICAL_TOKEN="+leaks.Token, "BATON_BASE_URL="+url))
	}
	b.StopTimer()
	for unit := range runs[0] {
		own, bare := median(runs, unit), median(floors, unit)
		b.ReportMetric(own, unit)
		if name, _, _ := strings.Cut(unit, "-"); name != "file" {
			b.ReportMetric(bare, "floor-"+unit)
			b.ReportMetric(own/bare, "x-floor-"+name)
		}
	}
	b.ReportMetric(float64(requests.Load())/float64(b.N), "requests")
	b.ReportMetric(0, "ns/op") // floor and connector together: no figure
}

// run is what a run of a binary took, by unit.
type run map[string]float64

func execute(b *testing.B, path string, env ...string) run {
	b.Helper()
	dir := b.TempDir()
	started := time.Now()
	p := launch.Start(b, launch.Command{Path: path, Dir: dir, Env: append(env, "BATON_LOG_LEVEL=error")})
	peak := p.PeakMemory()
	wall := time.Since(started)
	if code := p.Wait(); code != 0 {
		b.Fatalf("exit code %d", code)
	}
	file, err := os.Stat(filepath.Join(dir, "sync.c1z"))
	if err != nil {
		b.Fatal(err)
	}
	// Of the floor, the second process counts only where the first one has waited for it.
	cpu := p.Cmd.ProcessState.UserTime() + p.Cmd.ProcessState.SystemTime()
	return run{
		"wall-s": wall.Seconds(), "cpu-s": cpu.Seconds(), "anon-MiB": float64(peak) / (1 << 20), "file-MiB": float64(file.Size()) / (1 << 20),
	}
}

// median takes the median of one figure.
func median(runs []run, unit string) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = r[unit]
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func TestTheFloorHoldsWhatTheConnectorHolds(t *testing.T) {
	var people []sim.User
	for i := range 2345 {
		people = append(people, sim.Person(i))
	}
	h, err := batontest.Start(t.Context(), newFloor(t.Context(), len(people)))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	path := filepath.Join(t.TempDir(), "sync.c1z")
	if err := h.Sync(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	launch.Holds(t, path, batontest.Expected(people))
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

//go:build unix

// Package bench measures whole syncs and their floor: the same resources
// and grants from a connector that makes no request.
package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

const token = leaks.Token

// BenchmarkSync runs whole syncs in this process, the simulated workspace
// included. x-floor is the time as a multiple of the floor's in the same run.
func BenchmarkSync(b *testing.B) {
	for _, users := range []int{1000, 10000, 100000} {
		var floorTime float64
		b.Run(fmt.Sprintf("floor/users=%d", users), func(b *testing.B) {
			floorTime = syncs(b, newFloor(users))
		})
		b.Run(fmt.Sprintf("whimsical/users=%d", users), func(b *testing.B) {
			url, requests := workspace(b, users, 0)
			built, _, err := connector.New(b.Context(), &config.Whimsical{WhimsicalToken: token, BaseUrl: url}, nil)
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
	started := time.Now()
	for i := range b.N {
		if err := h.Sync(b.Context(), filepath.Join(dir, fmt.Sprintf("%d.c1z", i))); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	return float64(time.Since(started).Nanoseconds()) / float64(b.N)
}

func TestTheFloorHoldsWhatTheConnectorHolds(t *testing.T) {
	var people []sim.User
	for i := range 2345 {
		people = append(people, sim.Person(i))
	}
	bare := newFloor(len(people))
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
	simulated, err := sim.New(sim.Config{Users: users, Token: token})
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
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) //nolint:gosec // no browser reads it; a client who is gone is no error of the server
	}))
	b.Cleanup(server.Close)
	return server.URL + sim.BasePath, requests
}

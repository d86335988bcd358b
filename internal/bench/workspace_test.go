//go:build unix

package bench

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

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

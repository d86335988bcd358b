package sim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

// The simulator has to be cheap beside what is measured against it.
func BenchmarkSeed100k(b *testing.B) {
	for b.Loop() {
		if _, err := sim.New(sim.Config{Users: 100_000, Token: "t"}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkGet(b *testing.B, target string) {
	b.Helper()
	w, err := sim.New(sim.Config{Users: 100_000, Token: "t"})
	if err != nil {
		b.Fatal(err)
	}
	h := w.Handler()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, target, http.NoBody)
		r.Header.Set("Authorization", "Bearer t")
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		if recorder.Code != http.StatusOK {
			b.Fatal(recorder.Code, recorder.Body)
		}
	}
}

func BenchmarkPage(b *testing.B) { benchmarkGet(b, "/scim-v2/Users?startIndex=90001&count=100") }

func BenchmarkFind(b *testing.B) {
	benchmarkGet(b, "/scim-v2/Users?filter="+url.QueryEscape(`userName eq "amara.okafor.0001@example.com"`))
}

func BenchmarkOtherFilter(b *testing.B) {
	benchmarkGet(b, "/scim-v2/Users?filter="+url.QueryEscape(`displayName co "Okafor" and active eq true`))
}

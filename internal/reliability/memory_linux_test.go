package reliability

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

const (
	mebibyte = 1 << 20
	bodyCap  = 16 * mebibyte // what the connector reads of one answer at most
)

// measured runs the connector and returns its exit code and the largest amount of
// anonymous memory that it had at a time.
func measured(t *testing.T, f *launch.Folder, args ...string) (int, int64) {
	t.Helper()
	p := f.Start(args...)
	peak := p.PeakMemory()
	t.Logf("%d MiB", peak/mebibyte)
	return p.Wait(), peak
}

func TestHugeBodiesCostAFewTimesTheBodyCap(t *testing.T) {
	_, f := served(t, thirty)
	code, usual := measured(t, f)
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	// The SDK's transport takes 10 MiB of headers, each a string of its own.
	for name, caps := range map[string]int64{"200 MB body": 6, "gzip bomb": 6, "large headers": 16} {
		t.Run(name, func(t *testing.T) {
			w, f := served(t, thirty)
			w.Set(faults.Rule{Fault: faults.Named(name), Operations: []faults.Operation{faults.List}, After: 1, Times: 1})
			_, peak := measured(t, f)
			if peak > usual+caps*bodyCap {
				t.Errorf("a peak of %d MiB, where a usual sync takes %d MiB", peak/mebibyte, usual/mebibyte)
			}
		})
	}
}

// An answer of 16 KB that unpacks to millions of users who are nobody is read up to the first of them.
func TestAnAnswerOfMillionsOfEmptyUsersTakesLittleMemory(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, `{"Resources":[`+strings.Repeat("{},", bodyCap/3-10)+"{}]}"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"a list": nil, "a look-up": {"--create-account-email", newcomer}} {
		t.Run(name, func(t *testing.T) {
			workspace := faults.Serve(t, thirty)
			healthy := workspace.Handler()
			var struck atomic.Bool
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("count") != "100" {
					healthy.ServeHTTP(w, r)
					return
				}
				struck.Store(true)
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(packed.Bytes()) // a client who is gone shows in the test
			}))
			t.Cleanup(server.Close)
			f := launch.NewFolder(t, workspace)
			f.Env = append(f.Env, "BATON_BASE_URL="+server.URL+sim.BasePath)
			code, peak := measured(t, f, args...)
			if code != int(codes.FailedPrecondition) || peak > 150_000_000 || !struck.Load() {
				t.Errorf("exit code %d, a peak of %d MiB of anonymous memory, struck: %t", code, peak/mebibyte, struck.Load())
			}
		})
	}
}

func TestASyncOfAHundredThousandUsersTakesLittleMemory(t *testing.T) {
	if os.Getenv("RELIABILITY_LARGE") == "" {
		t.Skip("it takes half a minute: set RELIABILITY_LARGE")
	}
	w, f := served(t, sim.Config{Users: 100_000})
	code, peak := measured(t, f)
	if code != 0 || peak > 400_000_000 {
		t.Errorf("exit code %d, a peak of %d MiB of anonymous memory", code, peak/mebibyte)
	}
	f.Holds(w.Users())
}

package whimsical

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
)

// zeros is an endless source of zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// bomb returns so many zeros, compressed.
func bomb(t *testing.T, size int64) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.CopyN(w, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestABodyIsReadUpToALimit(t *testing.T) {
	const huge = 200 << 20
	packed := bomb(t, huge)
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		code   codes.Code
		says   string
	}{
		"a huge body": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, huge) },
			codes.FailedPrecondition, "the answer is larger than 16 MiB",
		},
		"a compressed bomb": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(packed)
			},
			codes.FailedPrecondition, "the answer is larger than 16 MiB",
		},
		"a refusal with a huge body": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.CopyN(w, zeros{}, huge)
			},
			codes.Unauthenticated, "the SCIM token was refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := answering(t, test.answer)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := client.ListUsers(t.Context(), "")
			runtime.ReadMemStats(&after)
			wantCode(t, err, test.code)
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want it to say %q", err, test.says)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 10*maxBody {
				t.Errorf("%d MiB were allocated", allocated>>20)
			}
		})
	}
}

func TestTheLargestBodyIsReadWhole(t *testing.T) {
	const answer = `{"Resources":[{"id":"a"}]}`
	for size, code := range map[int]codes.Code{maxBody: codes.OK, maxBody + 1: codes.FailedPrecondition} {
		client := answering(t, saying(http.StatusOK, answer+strings.Repeat(" ", size-len(answer))))
		_, err := client.ListUsers(t.Context(), "")
		wantCode(t, err, code)
	}
}

func TestACompressedAnswerIsRead(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, `{"Resources":[{"id":"a"}]}`); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("Accept-Encoding is %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	})
	page, err := client.ListUsers(t.Context(), "")
	if err != nil || len(page.Users) != 1 {
		t.Errorf("got %+v, %v", page, err)
	}
}

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
	for size, want := range map[int]error{
		0: nil, 1: nil, maxBody - 1: nil, maxBody: nil, maxBody + 1: errBodyTooLarge, 2 * maxBody: errBodyTooLarge,
	} {
		body := &cappedBody{ReadCloser: io.NopCloser(io.LimitReader(zeros{}, int64(size))), left: maxBody}
		n, err := io.Copy(io.Discard, body)
		if err != want { //nolint:errorlint // the reader's own error
			t.Errorf("%d bytes: got %v, want %v", size, err, want)
		}
		if most := int64(min(size, maxBody)); n != most {
			t.Errorf("%d bytes: %d were read, want %d", size, n, most)
		}
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

// TestAPageIsSmallEnoughForTheSDK lists users whom the server returns all at
// once: a page of the connector holds as many as fit in one of its answers.
func TestAPageIsSmallEnoughForTheSDK(t *testing.T) {
	for name, test := range map[string]struct {
		users, size, want int
	}{
		"many users":     {2500, 500, maxEmitted},
		"large users":    {200, 50_000, maxEmittedBytes / 50_000},
		"a giant user":   {3, 3 << 20, 1},
		"a page of them": {100, 1_000, 100},
	} {
		t.Run(name, func(t *testing.T) {
			rows := make([]row, test.users)
			for i := range rows {
				rows[i] = row{hash: scramble(uint64(i)), size: test.size}
			}
			s, err := firstCursor().advance(view{rows: rows, total: told(test.users), asked: pageSize})
			if err != nil || s.to-s.from != test.want {
				t.Errorf("the page holds %d users, want %d (%v)", s.to-s.from, test.want, err)
			}
		})
	}
}

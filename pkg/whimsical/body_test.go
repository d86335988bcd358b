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
	"google.golang.org/grpc/status"
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
			codes.FailedPrecondition, "the answer is larger than 16 MiB, too large to be read",
		},
		"a compressed bomb": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(packed)
			},
			codes.FailedPrecondition, "the answer is larger than 16 MiB, too large to be read",
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
			failsWith(t, err, test.code, "")
			if err != nil && (!strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "base-url") || strings.Contains(err.Error(), "no SCIM API")) {
				t.Errorf("got %v, want it to say %q", err, test.says)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 10*maxBody {
				t.Errorf("%d MiB were allocated", allocated>>20)
			}
		})
	}
}

// TestReadingStopsAtTheFirstUserWhoCannotBeRead holds that a small answer that
// unpacks to millions of users who are nobody costs no more than its bytes.
func TestReadingStopsAtTheFirstUserWhoCannotBeRead(t *testing.T) {
	body := []byte(`{"Resources":[` + strings.Repeat(`{},`, maxBody/3-10) + `{}]}`)
	allocated := testing.AllocsPerRun(1, func() {
		if _, err := readList(body); status.Code(err) != codes.FailedPrecondition {
			t.Error(err)
		}
	})
	if allocated > 100 {
		t.Errorf("%v allocations", allocated)
	}
}

func TestOfManyEMailAddressesTheFirstAreKept(t *testing.T) {
	for count, want := range map[int]int{maxEmails - 1: maxEmails - 1, maxEmails: maxEmails, maxEmails + 1: maxEmails, 100_000: maxEmails} {
		var read emails
		if err := decode([]byte(`["first@example.com"`+strings.Repeat(`,{"value":"a@example.com"}`, count-1)+`]`), &read); err != nil {
			t.Fatal(err)
		}
		if len(read) != want || read.primary("") != "first@example.com" {
			t.Errorf("of %d addresses %d are kept", count, len(read))
		}
	}
}

func TestTheLargestBodyIsReadWhole(t *testing.T) {
	const answer = `{"Resources":[{"id":"a"}]}`
	for size, code := range map[int]codes.Code{maxBody: codes.OK, maxBody + 1: codes.FailedPrecondition} {
		client := answering(t, saying(http.StatusOK, answer+strings.Repeat(" ", size-len(answer))))
		_, err := client.ListUsers(t.Context(), "")
		failsWith(t, err, code, "")
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

package whimsical

import (
	"errors"
	"io"
	"net/http"
)

// maxBody bounds one answer, after decompression. A page of 100 users takes
// about 100 KB; a server that ignores paging fits about 16,000 users in it.
const maxBody = 16 << 20

var errBodyTooLarge = errors.New("the answer is larger than 16 MiB")

// keptHeaders are the only response headers that reach the SDK's client, which
// logs the headers of failed answers: a server that echoes a request header
// must not get the token into a log.
var keptHeaders = []string{
	"Content-Type",
	"Date",
	"Retry-After",
	"Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset",
	"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset",
	"X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset",
}

// transport adds the token on the way out, below everything that logs, and on
// the way in drops headers that nobody needs and caps the body.
type transport struct {
	next          http.RoundTripper
	authorization string
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	authorized := req.Clone(req.Context())
	authorized.Header.Set("Authorization", t.authorization)
	resp, err := t.next.RoundTrip(authorized)
	if err != nil {
		return nil, err
	}
	kept := make(http.Header, len(keptHeaders))
	for _, name := range keptHeaders {
		if values := resp.Header.Values(name); len(values) > 0 {
			kept[name] = values
		}
	}
	resp.Header = kept
	resp.Body = &cappedBody{ReadCloser: resp.Body, left: maxBody}
	return resp, nil
}

// cappedBody fails instead of ending where the cap is reached: a cut-off body
// must not look like a whole one.
type cappedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *cappedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		return int(b.left), errBodyTooLarge
	}
	b.left -= int64(n)
	return n, err
}

package whimsical

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
)

// DefaultBaseURL is the base URL of Whimsical's SCIM 2.0 API.
//
// Source: https://help.whimsical.com/security/scim
const DefaultBaseURL = "https://api.whimsical.com/scim-v2/"

// parseBaseURL reads the configured base URL, with or without a trailing slash. It fails with InvalidArgument
// on anything that could send the token where it must not go: a scheme other than https (http is accepted for
// loopback hosts alone), credentials, a query or a fragment.
func parseBaseURL(raw string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || base.Hostname() == "" || base.Opaque != "" {
		return nil, Errorf(codes.InvalidArgument,
			"base-url is not an absolute URL: use the default %s, or leave the setting out", DefaultBaseURL)
	}
	if base.User != nil || base.RawQuery != "" || base.ForceQuery || base.Fragment != "" {
		return nil, Errorf(codes.InvalidArgument,
			"base-url must be a plain URL without credentials, query or fragment, such as %s", DefaultBaseURL)
	}
	switch strings.ToLower(base.Scheme) {
	case "https":
	case "http":
		if !isLoopback(base.Hostname()) {
			return nil, Errorf(codes.InvalidArgument,
				"base-url uses http to a host that is not this machine: the token would travel unencrypted, use https")
		}
	default:
		return nil, Errorf(codes.InvalidArgument, "base-url must begin with https://, such as %s", DefaultBaseURL)
	}
	// Joining cleans the path, so that both spellings of the base lead to the same request paths.
	return base.JoinPath("/"), nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// maxBody bounds one answer, after decompression. A page of 100 users takes about 100 KB.
const maxBody = 16 << 20

// maxAnswer bounds an answer's users, which make one page of resources, maxEmails a user's e-mails.
const maxAnswer, maxEmails = 2000, 100

// keptHeaders are the only response headers that reach the SDK's client, which logs the headers of failed
// answers: a server that echoes a request header must not get the token into a log.
var keptHeaders = []string{
	"Content-Type",
	"Date",
	"Retry-After",
	"Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset",
	"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset",
	"X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset",
}

// transport adds the token on the way out, below everything that logs, and on the way in drops headers that
// nobody needs and caps the body.
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
	maps.DeleteFunc(resp.Header, func(name string, _ []string) bool { return !slices.Contains(keptHeaders, name) })
	// It fails beyond the cap: a cut-off body must not look like a whole one.
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxBody)
	return resp, nil
}

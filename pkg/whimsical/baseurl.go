package whimsical

import (
	"net"
	"net/url"
	"strings"

	"google.golang.org/grpc/codes"
)

// DefaultBaseURL is the base URL of Whimsical's SCIM 2.0 API.
//
// Source: https://help.whimsical.com/security/scim
const DefaultBaseURL = "https://api.whimsical.com/scim-v2/"

// parseBaseURL reads the configured base URL, with or without a trailing
// slash. It fails with InvalidArgument on anything that could send the token
// where it must not go: a scheme other than https (http is accepted for
// loopback hosts alone), credentials, a query or a fragment.
func parseBaseURL(raw string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || base.Hostname() == "" || base.Opaque != "" {
		return nil, failure(codes.InvalidArgument,
			"base-url is not an absolute URL: use the default %s, or leave the setting out", DefaultBaseURL)
	}
	if base.User != nil || base.RawQuery != "" || base.ForceQuery || base.Fragment != "" {
		return nil, failure(codes.InvalidArgument,
			"base-url must be a plain URL without credentials, query or fragment, such as %s", DefaultBaseURL)
	}
	switch strings.ToLower(base.Scheme) {
	case "https":
	case "http":
		if !isLoopback(base.Hostname()) {
			return nil, failure(codes.InvalidArgument,
				"base-url uses http to a host that is not this machine: the token would travel unencrypted, use https")
		}
	default:
		return nil, failure(codes.InvalidArgument, "base-url must begin with https://, such as %s", DefaultBaseURL)
	}
	// Joining cleans the path, so that both spellings of the base lead to the
	// same request paths.
	return base.JoinPath("/"), nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

package whimsical

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

func TestABaseURLWithOrWithoutASlashLeadsToTheSamePaths(t *testing.T) {
	for raw, want := range map[string]string{
		"https://api.whimsical.com/scim-v2/":     "https://api.whimsical.com/scim-v2/Users",
		"https://api.whimsical.com/scim-v2":      "https://api.whimsical.com/scim-v2/Users",
		"https://api.whimsical.com/scim-v2//":    "https://api.whimsical.com/scim-v2/Users",
		"\thttps://api.whimsical.com/scim-v2/\n": "https://api.whimsical.com/scim-v2/Users",
		"HTTPS://api.whimsical.com/scim-v2/":     "https://api.whimsical.com/scim-v2/Users",
		"https://api.whimsical.com":              "https://api.whimsical.com/Users",
		"https://api.whimsical.com/":             "https://api.whimsical.com/Users",
		"https://example.com:8443/a/b/scim-v2":   "https://example.com:8443/a/b/scim-v2/Users",
		"https://example.com/a/../scim-v2/":      "https://example.com/scim-v2/Users",
		"https://example.com/a%2Fb/scim%20v2":    "https://example.com/a%2Fb/scim%20v2/Users",
		"http://localhost:8080/scim-v2":          "http://localhost:8080/scim-v2/Users",
		"http://LocalHost/scim-v2":               "http://LocalHost/scim-v2/Users",
		"http://127.0.0.1:8080/scim-v2/":         "http://127.0.0.1:8080/scim-v2/Users",
		"http://127.8.9.1/scim-v2/":              "http://127.8.9.1/scim-v2/Users",
		"http://[::1]:8080/scim-v2":              "http://[::1]:8080/scim-v2/Users",
		"https://[2001:db8::1]/scim-v2":          "https://[2001:db8::1]/scim-v2/Users",
		"https://api.whimsical.com/scim-v2/#":    "https://api.whimsical.com/scim-v2/Users",
		"https://api.whimsical.com:443/scim-v2/": "https://api.whimsical.com:443/scim-v2/Users",
	} {
		client, err := New(t.Context(), raw, scimscript.Token)
		if err != nil {
			t.Errorf("%q: %v", raw, err)
			continue
		}
		if got := client.users.String(); got != want {
			t.Errorf("%q leads to %s, want %s", raw, got, want)
		}
	}
}

func TestABaseURLThatCouldGiveTheTokenAwayIsRefused(t *testing.T) {
	for name, raw := range map[string]string{ //nolint:gosec // no credentials of anybody
		"empty":                          "",
		"blank":                          "  ",
		"no scheme":                      "api.whimsical.com/scim-v2/",
		"a path":                         "/scim-v2/",
		"no host":                        "https:///scim-v2/",
		"a port without a host":          "https://:443/scim-v2/",
		"opaque":                         "https:api.whimsical.com/scim-v2/",
		"a mail address":                 "mailto:ada@example.com",
		"credentials":                    "https://ada:secret@api.whimsical.com/scim-v2/",
		"a user name":                    "https://ada@api.whimsical.com/scim-v2/",
		"a query":                        "https://api.whimsical.com/scim-v2/?a=b",
		"an empty query":                 "https://api.whimsical.com/scim-v2/?",
		"a fragment":                     "https://api.whimsical.com/scim-v2/#users",
		"another scheme":                 "ftp://api.whimsical.com/scim-v2/",
		"another scheme to loopback":     "ws://127.0.0.1/scim-v2/",
		"http":                           "http://api.whimsical.com/scim-v2/",
		"http to a private network":      "http://192.168.1.10/scim-v2/",
		"http to every interface":        "http://0.0.0.0/scim-v2/",
		"http to a loopback lookalike":   "http://127.0.0.1.example.com/scim-v2/",
		"http to a localhost lookalike":  "http://localhost.example.com/scim-v2/",
		"http to a short address":        "http://127.1/scim-v2/",
		"http with loopback as the user": "http://127.0.0.1@example.com/scim-v2/",
		"a space in the host":            "https://api.whims ical.com/scim-v2/",
		"a control character":            "https://api.whimsical.com/scim\x00-v2/",
		"a broken escape":                "https://api.whimsical.com/scim%zz/",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), raw, scimscript.Token)
			failsWith(t, err, codes.InvalidArgument, "")
		})
	}
}

func TestATokenThatNoHeaderCanCarryIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		token string
		code  codes.Code
	}{
		"plain":                      {token: "abc-DEF_123.~+/="},
		"white space around it":      {token: " \tabc123\r\n"},
		"one character":              {token: "a"},
		"empty":                      {token: "", code: codes.InvalidArgument},
		"blank":                      {token: " \n", code: codes.InvalidArgument},
		"a line break":               {token: "abc\ndef", code: codes.InvalidArgument},
		"a header of its own":        {token: "abc\r\nX-Admin: true", code: codes.InvalidArgument}, //nolint:gosec // no credentials of anybody
		"a space":                    {token: "abc def", code: codes.InvalidArgument},
		"the scheme":                 {token: "Bearer abcdef", code: codes.InvalidArgument},
		"quotes":                     {token: `"abcdef"`, code: codes.InvalidArgument},
		"single quotes":              {token: `'abcdef'`, code: codes.InvalidArgument},
		"a control character":        {token: "abc\x7fdef", code: codes.InvalidArgument},
		"a character beyond ASCII":   {token: "abcdéf", code: codes.InvalidArgument},
		"a zero-width space":         {token: "abc\u200bdef", code: codes.InvalidArgument},
		"bytes that are no text":     {token: "abc\xffdef", code: codes.InvalidArgument},
		"a byte order mark up front": {token: "\ufeffabcdef", code: codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), DefaultBaseURL, test.token)
			failsWith(t, err, test.code, "")
			if err != nil && test.token != "" && strings.Contains(err.Error(), test.token) {
				t.Errorf("the error repeats the token: %v", err)
			}
		})
	}
}

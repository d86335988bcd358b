package whimsical

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"
	"unicode/utf8"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

func TestEachStatusHasItsCode(t *testing.T) {
	for statusCode, want := range map[int]struct{ list, get codes.Code }{
		300: {codes.FailedPrecondition, codes.FailedPrecondition},
		301: {codes.FailedPrecondition, codes.FailedPrecondition},
		302: {codes.FailedPrecondition, codes.FailedPrecondition},
		303: {codes.FailedPrecondition, codes.FailedPrecondition},
		304: {codes.FailedPrecondition, codes.FailedPrecondition},
		307: {codes.FailedPrecondition, codes.FailedPrecondition},
		308: {codes.FailedPrecondition, codes.FailedPrecondition},
		400: {codes.InvalidArgument, codes.InvalidArgument},
		401: {codes.Unauthenticated, codes.Unauthenticated},
		402: {codes.InvalidArgument, codes.InvalidArgument},
		403: {codes.PermissionDenied, codes.PermissionDenied},
		404: {codes.FailedPrecondition, codes.FailedPrecondition}, // of everything: SCIM is off
		405: {codes.FailedPrecondition, codes.FailedPrecondition},
		406: {codes.InvalidArgument, codes.InvalidArgument},
		408: {codes.DeadlineExceeded, codes.DeadlineExceeded},
		409: {codes.AlreadyExists, codes.AlreadyExists},
		410: {codes.FailedPrecondition, codes.FailedPrecondition},
		412: {codes.InvalidArgument, codes.InvalidArgument},
		413: {codes.InvalidArgument, codes.InvalidArgument},
		422: {codes.InvalidArgument, codes.InvalidArgument},
		429: {codes.Unavailable, codes.Unavailable},
		451: {codes.InvalidArgument, codes.InvalidArgument},
		500: {codes.Unavailable, codes.Unavailable},
		501: {codes.FailedPrecondition, codes.FailedPrecondition},
		502: {codes.Unavailable, codes.Unavailable},
		503: {codes.Unavailable, codes.Unavailable},
		504: {codes.Unavailable, codes.Unavailable},
		599: {codes.Unavailable, codes.Unavailable},
		600: {codes.Unknown, codes.Unknown},
		999: {codes.Unknown, codes.Unknown},
	} {
		t.Run(fmt.Sprint(statusCode), func(t *testing.T) {
			client := answering(t, saying(statusCode, ""))
			err := client.Validate(t.Context())
			wantCode(t, err, want.list)
			if got := HTTPStatus(fmt.Errorf("wrapped: %w", err)); got != statusCode {
				t.Errorf("the HTTP status is %d, want %d", got, statusCode)
			}
			_, err = client.GetUser(t.Context(), "u1")
			wantCode(t, err, want.get)
		})
	}
}

func TestAnErrorSaysWhatFailedAndWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		reply scimscript.Reply
		says  []string
	}{
		"400": {scimscript.Refused(400, "invalidFilter", "no such attribute"), []string{"answered 400 Bad Request: no such attribute"}},
		"401": {scimscript.Refused(401, "", "token expired"), []string{"answered 401 Unauthorized: token expired: the SCIM token was refused", "Workspace settings", "BATON_WHIMSICAL_TOKEN"}},
		"403": {scimscript.Refused(403, "", ""), []string{"answered 403 Forbidden: the token may not do this", "a plan that includes SCIM"}},
		"404": {scimscript.Refused(404, "", ""), []string{"answered 404 Not Found: no SCIM API answers at this address", "base-url", "SAML"}},
		"429": {scimscript.Refused(429, "", ""), []string{"answered 429 Too Many Requests: the API's rate limit is reached"}},
		"503": {scimscript.Refused(503, "", "maintenance"), []string{"answered 503 Service Unavailable: maintenance: Whimsical's API is failing at the moment"}},
		"301": {scimscript.Reply{Status: 301}, []string{"answered 301 Moved Permanently: a redirect is not followed"}},
		"599": {scimscript.Reply{Status: 599}, []string{"answered 599: Whimsical's API is failing"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := following(t, listed("Users?count=1&startIndex=1", test.reply)).Validate(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			for _, says := range append(test.says, "baton-whimsical: GET /scim-v2/Users answered") {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("the error is %q, want it to say %q", err, says)
				}
			}
			if strings.Contains(err.Error(), "startIndex") {
				t.Errorf("the error holds the query: %q", err)
			}
		})
	}
}

func TestAForbiddenAnswerIsToldApart(t *testing.T) {
	for name, test := range map[string]struct {
		header, value, body string
		code                codes.Code
		says                string
	}{
		"the token may not":              {body: `{"detail":"no"}`, code: codes.PermissionDenied, says: "the token may not do this"},
		"a rate limit, by Retry-After":   {header: "Retry-After", value: "0", code: codes.Unavailable, says: "the API's rate limit is reached"},
		"a rate limit, used up":          {header: "X-RateLimit-Remaining", value: "0", code: codes.Unavailable, says: "the API's rate limit is reached"},
		"a rate limit, not used up":      {header: "X-RateLimit-Remaining", value: "7", code: codes.PermissionDenied, says: "the token may not do this"},
		"the web page of a firewall":     {body: "<!DOCTYPE html><html>Blocked</html>", code: codes.PermissionDenied, says: "a web page answered"},
		"a web page after a line break":  {body: "\n<html>", code: codes.PermissionDenied, says: "allow-list"},
		"a rate limit with a web page":   {header: "Retry-After", value: "1", body: "<html>", code: codes.Unavailable, says: "rate limit"},
		"an empty answer of a stranger":  {code: codes.PermissionDenied, says: "SCIM provisioning must be enabled"},
		"a text that is no page, untold": {body: "denied", code: codes.PermissionDenied, says: "SCIM provisioning must be enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				if test.header != "" {
					w.Header().Set(test.header, test.value)
				}
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write([]byte(test.body))
			})
			err := client.Validate(t.Context())
			failsWith(t, err, test.code, test.says)
		})
	}
}

func TestTheDetailOfAnErrorIsBoundedAndCleaned(t *testing.T) {
	long := strings.Repeat("long ", 100_000)
	for name, test := range map[string]struct {
		body, detail string
	}{
		"a detail":                  {`{"detail":"no seats left"}`, "no seats left"},
		"in another case":           {`{"Detail":"no seats left"}`, "no seats left"},
		"with a byte order mark":    {"\xef\xbb\xbf" + `{"detail":"no seats left"}`, "no seats left"},
		"a numeric one":             {`{"detail":42}`, "42"},
		"line breaks":               {`{"detail":"no\r\n\tseats\u0000\u001b[31m left\u2028\u0085\u009b"}`, "no seats [31m left"},
		"right-to-left overrides":   {`{"detail":"no \u202estaes\u2066 left"}`, "no staes left"},
		"what cannot be seen":       {`{"detail":"no\u200bseats\ufeff\u00ad\u2060left"}`, "no seats left"},
		"what is no text":           {"{\"detail\":\"no\xff seats\\ud800 left\"}", "no\ufffd seats\ufffd left"},
		"emoji":                     {`{"detail":"no seats 💺 left"}`, "no seats 💺 left"},
		"a very long one":           {`{"detail":"` + long + `"}`, long[:300] + "..."},
		"long characters":           {`{"detail":"` + strings.Repeat("💺", 5000) + `"}`, strings.Repeat("💺", 300) + "..."},
		"an object":                 {`{"detail":{"message":"x"}}`, ""},
		"null":                      {`{"detail":null}`, ""},
		"another error format":      {`{"error":"secret","message":"secret"}`, ""},
		"a web page":                {"<html>secret</html>", ""},
		"text":                      {"secret", ""},
		"an array":                  {`[{"detail":"secret"}]`, ""},
		"half of it":                {`{"detail":"secret"`, ""},
		"an e-mail address":         {`{"detail":"ada@example.com exists"}`, "[e-mail] exists"},
		"an e-mail address, quoted": {`{"detail":"user <'ada.o'neil@example.com'> exists"}`, "user <[e-mail]'> exists"},
	} {
		t.Run(name, func(t *testing.T) {
			err := answering(t, saying(http.StatusBadRequest, test.body)).Validate(t.Context())
			want := "baton-whimsical: GET /scim-v2/Users answered 400 Bad Request"
			if test.detail != "" {
				want += ": " + test.detail
			}
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %v", err, want)
			}
		})
	}
}

// readable fails the test on a text that does not belong into an error.
func readable(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("no valid text: %q", text)
	}
	if n := utf8.RuneCountInString(text); n > 1500 {
		t.Errorf("a text of %d characters: %.100q", n, text)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }); i >= 0 {
		t.Errorf("a control character in %q", text)
	}
}

func TestAnErrorCarriesItsCodeAndRateLimitOverGRPC(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	err := client.Validate(t.Context())
	st, ok := status.FromError(fmt.Errorf("wrapped: %w", err))
	if !ok || st.Code() != codes.Unavailable || len(st.Details()) != 1 {
		t.Fatalf("got %v with %v", st, st.Details())
	}
	limit, ok := st.Details()[0].(*v2.RateLimitDescription)
	if !ok || limit.GetStatus() != v2.RateLimitDescription_STATUS_OVERLIMIT || !limit.HasResetAt() {
		t.Errorf("got %v", st.Details()[0])
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	var strangers atomic.Int32
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	t.Cleanup(stranger.Close)
	for _, statusCode := range []int{300, 301, 302, 303, 307, 308} {
		for name, location := range map[string]string{
			"another host":            stranger.URL + "/scim-v2/Users",
			"the same host":           "/elsewhere",
			"the same path":           "",
			"a relative path":         "Users/",
			"a loop":                  "/scim-v2/Users?startIndex=1&count=1",
			"a scheme without a host": "https:",
			"garbage":                 "http://%zz",
		} {
			t.Run(fmt.Sprintf("%d to %s", statusCode, name), func(t *testing.T) {
				var requests atomic.Int32
				client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
					requests.Add(1)
					w.Header().Set("Location", location)
					w.WriteHeader(statusCode)
				})
				for operation, call := range map[string]func(context.Context) error{
					"list":   func(ctx context.Context) error { _, err := client.ListUsers(ctx, ""); return err },
					"get":    func(ctx context.Context) error { _, err := client.GetUser(ctx, "u1"); return err },
					"find":   func(ctx context.Context) error { _, err := client.FindUser(ctx, "ada@example.com"); return err },
					"delete": func(ctx context.Context) error { return client.DeleteUser(ctx, "u1") },
					"patch": func(ctx context.Context) error {
						_, err := client.ChangeUser(ctx, &User{ID: "u1"}, Change{Role: RoleViewer})
						return err
					},
				} {
					requests.Store(0)
					err := call(t.Context())
					wantCode(t, err, codes.FailedPrecondition)
					if n := requests.Load(); n != 1 {
						t.Errorf("%s: %d requests", operation, n)
					}
					if err != nil && strings.Contains(err.Error(), stranger.URL) {
						t.Errorf("%s: the error names the other address: %v", operation, err)
					}
				}
			})
		}
	}
	if n := strangers.Load(); n > 0 {
		t.Errorf("the other host received %d requests", n)
	}
}

func TestAMissingUserIsMissingOnlyWhereSCIMAnswers(t *testing.T) {
	const user, ping = "Users/u1", "Users?count=1&startIndex=1"
	scimError := scimscript.Refused(404, "", "no such user")
	nothing := scimscript.Reply{Status: http.StatusNotFound, Body: "<html>not found</html>"}
	for name, test := range map[string]struct {
		steps []scimscript.Step
		code  codes.Code
	}{
		"the API says so": {
			steps: []scimscript.Step{listed(user, scimError)},
			code:  codes.NotFound,
		},
		"the API says that the user is gone": {
			steps: []scimscript.Step{listed(user, scimscript.Refused(410, "", ""))},
			code:  codes.NotFound,
		},
		"a framework says so, and the list is missing, too": {
			steps: []scimscript.Step{
				listed(user, scimscript.Reply{Status: 404, Body: `{"detail":"Not Found","status":404}`}), listed(ping, nothing),
			},
			code: codes.FailedPrecondition,
		},
		"the list answers, the user is missing again": {
			steps: []scimscript.Step{listed(user, nothing), listed(ping, usersOf(1, 1, 5)), listed(user, nothing)},
			code:  codes.NotFound,
		},
		"the list is missing, too": {
			steps: []scimscript.Step{listed(user, nothing), listed(ping, nothing)},
			code:  codes.FailedPrecondition,
		},
		"the list is a web page": {
			steps: []scimscript.Step{listed(user, nothing), listed(ping, replying("<html>sign in</html>"))},
			code:  codes.FailedPrecondition,
		},
		"the token is refused": {
			steps: []scimscript.Step{listed(user, nothing), listed(ping, scimscript.Refused(401, "", ""))},
			code:  codes.Unauthenticated,
		},
		"the list fails for a moment": {
			steps: []scimscript.Step{listed(user, nothing), listed(ping, scimscript.Refused(503, "", "")), listed(user, scimError)},
			code:  codes.NotFound,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := following(t, test.steps...).GetUser(t.Context(), "u1")
			wantCode(t, err, test.code)
		})
	}
}

func TestAnAnswerIsLostWhereNobodyKnowsWhetherTheChangeWasMade(t *testing.T) {
	for statusCode, want := range map[int]bool{0: true, 400: false, 404: false, 408: true, 429: false, 500: true, 501: false, 503: true} {
		code, _ := codeAndAdvice(statusCode)
		if statusCode == 0 {
			code = codes.DeadlineExceeded
		}
		if got := AnswerLost(&Error{Code: code, StatusCode: statusCode}); got != want {
			t.Errorf("after %d (%s): %t", statusCode, code, got)
		}
	}
	if AnswerLost(&Error{Code: codes.Canceled}) || AnswerLost(nil) {
		t.Error("a request that was cancelled, or succeeded, counts as lost")
	}
}

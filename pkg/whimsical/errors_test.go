package whimsical

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

func TestEachStatusHasItsCode(t *testing.T) {
	for code, statusCodes := range map[codes.Code][]int{
		// Among them 404 and 410 of everything: SCIM is off.
		codes.FailedPrecondition: {300, 301, 302, 303, 304, 307, 308, 404, 405, 410, 501},
		codes.InvalidArgument:    {400, 402, 406, 412, 413, 422, 451},
		codes.Unavailable:        {429, 500, 502, 503, 504, 599},
		codes.Unknown:            {600, 999},
		codes.Unauthenticated:    {401}, codes.PermissionDenied: {403}, codes.DeadlineExceeded: {408}, codes.AlreadyExists: {409},
	} {
		for _, statusCode := range statusCodes {
			t.Run(fmt.Sprint(statusCode), func(t *testing.T) {
				client := answering(t, saying(statusCode, ""))
				err := client.Validate(t.Context())
				failsWith(t, err, code, "")
				if got := httpStatus(fmt.Errorf("wrapped: %w", err)); got != statusCode {
					t.Errorf("the HTTP status is %d, want %d", got, statusCode)
				}
				_, err = client.GetUser(t.Context(), "u1")
				failsWith(t, err, code, "")
			})
		}
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
		"the token may not":              {body: `{"detail":""}`, code: codes.PermissionDenied, says: "the token may not do this"},
		"a reason of the server's":       {body: `{"detail":"User limit reached"}`, code: codes.PermissionDenied, says: "answered 403 Forbidden: User limit reached"},
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
			if strings.Contains(test.body, "limit") && strings.Contains(err.Error(), "Enterprise") {
				t.Errorf("advice stands beside the server's own reason: %v", err)
			}
		})
	}
}

func TestASuccessThatHoldsASCIMErrorShowsItsReason(t *testing.T) {
	body := scimscript.Refused(403, "", "the trial is over").Body
	calls := operations(t.Context(), answering(t, saying(http.StatusOK, body)), "u1", "ada@example.com")
	for operation, call := range calls {
		err := call()
		failsWith(t, err, codes.FailedPrecondition, "the trial is over")
		if err != nil && strings.Contains(err.Error(), "base-url") {
			t.Errorf("%s: the error doubts the address of an API that answers: %v", operation, err)
		}
	}
	err := answering(t, saying(http.StatusOK, `{"detail":"of a stranger"}`)).Validate(t.Context())
	failsWith(t, err, codes.FailedPrecondition, "check base-url")
	if err != nil && strings.Contains(err.Error(), "stranger") {
		t.Errorf("the words of something else stand in the error: %v", err)
	}
}

func TestAnErrorKeepsItsCauseBesideItsCode(t *testing.T) {
	cause := errors.New("the cause")
	err := Errorf(codes.Internal, "it failed: %w", cause)
	if !errors.Is(err, cause) || status.Code(err) != codes.Internal || err.Error() != "baton-whimsical: it failed: the cause" {
		t.Errorf("got %v with the code %v", err, status.Code(err))
	}
	if got := status.Convert(err).Message(); got != err.Error() {
		t.Errorf("gRPC carries %q", got)
	}
}

func TestAnErrorIsNotChangedAfterItWasMade(t *testing.T) {
	made := &Error{Code: codes.NotFound, StatusCode: http.StatusNotFound, reason: "why", advice: "what to do"}
	before := *made
	other := amended(made, codes.FailedPrecondition, "then: ", "")
	if *made != before || other.Error() == made.Error() {
		t.Errorf("got %v of %v", other, made)
	}
	failsWith(t, other, codes.FailedPrecondition, "then: why: what to do")
	failsWith(t, asListError(made), codes.FailedPrecondition, adviceBaseURL)
	if *made != before {
		t.Errorf("the error became %+v", made)
	}
	if err := amended(Errorf(codes.Internal, "why"), codes.Aborted, "then: ", "unused"); status.Code(err) != codes.Aborted || status.Convert(err).Message() != "baton-whimsical: then: why" {
		t.Errorf("got %v", err)
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
				for operation, call := range operations(t.Context(), client, "u1", "ada@example.com") {
					requests.Store(0)
					err := call()
					failsWith(t, err, codes.FailedPrecondition, "")
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
	scimError := scimscript.Refused(404, "", "no such user")
	nothing := scimscript.Reply{Status: http.StatusNotFound, Body: "<html>not found</html>"}
	read := func(reply scimscript.Reply) scimscript.Step { return scimscript.Get("u1", reply) }
	find := func(reply scimscript.Reply) scimscript.Step { return scimscript.FindID("u1", reply) }
	ping := func(reply scimscript.Reply) scimscript.Step { return listed("Users?count=1&startIndex=1", reply) }
	nobody, ada, others := scimscript.OK(scimscript.List{}), scimscript.OK(scimscript.List{{ID: "u1"}}), usersOf(2, 100, 300)
	refused := scimscript.Refused(400, "invalidFilter", "")
	const unreachable = "the API lists this user, who cannot be reached at their own address"
	for name, test := range map[string]struct {
		steps []scimscript.Step
		code  codes.Code
		says  string
	}{
		"the API says so, and lists nobody":                    {[]scimscript.Step{read(scimError), find(nobody)}, codes.NotFound, "no such user"},
		"the API says that the user is gone, and lists nobody": {[]scimscript.Step{read(scimscript.Refused(410, "", "")), find(nobody)}, codes.NotFound, "410"},
		"a web page says so, and the API lists nobody":         {[]scimscript.Step{read(nothing), find(nobody)}, codes.NotFound, "404"},
		"the API says so, and lists the user":                  {[]scimscript.Step{read(scimError), find(ada)}, codes.FailedPrecondition, unreachable},
		"a web page says so, and the API lists the user":       {[]scimscript.Step{read(nothing), find(ada)}, codes.FailedPrecondition, unreachable},
		"the filter is ignored, and the user among all": {
			[]scimscript.Step{read(scimError), find(scimscript.OK(scimscript.List{{ID: "u2"}, {ID: "u1"}}))}, codes.FailedPrecondition, unreachable,
		},
		"the filter folds the case of ids":                     {[]scimscript.Step{read(scimError), find(scimscript.OK(scimscript.List{{ID: "U1"}}))}, codes.NotFound, "no such user"},
		"the filter is ignored, and the API says so":           {[]scimscript.Step{read(scimError), find(others)}, codes.NotFound, "no such user"},
		"the filter is ignored, and a web page says so twice":  {[]scimscript.Step{read(nothing), find(others), read(nothing)}, codes.NotFound, "404"},
		"the filter is ignored, and the user is there again":   {[]scimscript.Step{read(nothing), find(others), read(replying(`{"id":"u1"}`))}, codes.OK, ""},
		"the filter is refused, and the API says so":           {[]scimscript.Step{read(scimError), find(refused)}, codes.NotFound, "no such user"},
		"the filter is refused with 422, and the API says so":  {[]scimscript.Step{read(scimError), find(scimscript.Refused(422, "", ""))}, codes.NotFound, "no such user"},
		"the filter is not implemented, and the API says so":   {[]scimscript.Step{read(scimError), find(scimscript.Refused(501, "", ""))}, codes.NotFound, "no such user"},
		"the filter is refused, and a web page says so twice":  {[]scimscript.Step{read(nothing), find(refused), ping(usersOf(2, 2, 5)), read(nothing)}, codes.NotFound, "404"},
		"the filter is refused, and the user is there again":   {[]scimscript.Step{read(nothing), find(refused), ping(usersOf(2, 2, 5)), read(replying(`{"id":"u1"}`))}, codes.OK, ""},
		"the filter is refused, and the first one is the user": {[]scimscript.Step{read(nothing), find(refused), ping(ada), read(nothing)}, codes.FailedPrecondition, unreachable},
		"the filter is refused, and an empty list answers":     {[]scimscript.Step{read(nothing), find(refused), ping(nobody), read(nothing)}, codes.NotFound, "404"},
		"the filter is refused, and the list is missing, too":  {[]scimscript.Step{read(nothing), find(refused), ping(nothing)}, codes.FailedPrecondition, "check base-url"},
		"the filter is refused, and the first one is the user, there again": {
			[]scimscript.Step{read(nothing), find(refused), ping(ada), read(replying(`{"id":"u1"}`))}, codes.OK, "",
		},
		"the filter is refused, and the list fails for a time": {
			[]scimscript.Step{read(nothing), find(refused), ping(scimscript.Refused(503, "", "")), ping(usersOf(2, 2, 5)), read(nothing)}, codes.NotFound, "404",
		},
		"a 404 to the filter is nobody, where the list answers": {[]scimscript.Step{read(nothing), find(scimError), ping(usersOf(2, 2, 5))}, codes.NotFound, "404"},
		"a framework says so, and the list is missing, too": {
			[]scimscript.Step{read(scimscript.Reply{Status: 404, Body: `{"detail":"Not Found","status":404}`}), find(nothing), ping(nothing)},
			codes.FailedPrecondition, "check base-url",
		},
		"the API says so, and the list is missing": {[]scimscript.Step{read(scimError), find(nothing), ping(nothing)}, codes.FailedPrecondition, "check base-url"},
		"the list is a web page":                   {[]scimscript.Step{read(nothing), find(replying("<html>sign in</html>"))}, codes.FailedPrecondition, "it is a web page"},
		"the token is refused":                     {[]scimscript.Step{read(scimError), find(scimscript.Refused(401, "", ""))}, codes.Unauthenticated, "401"},
		"the list fails for a moment":              {[]scimscript.Step{read(nothing), find(scimscript.Refused(503, "", "")), find(nobody)}, codes.NotFound, "404"},
		"the list fails": {
			slices.Concat([]scimscript.Step{read(scimError)}, slices.Repeat([]scimscript.Step{find(scimscript.Reply{Status: 503})}, 4)), codes.Unavailable, "503",
		},
		"the user is somebody else, which is no absence": {[]scimscript.Step{read(replying(`{"id":"u2"}`))}, codes.FailedPrecondition, "not the user that was asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := following(t, test.steps...).GetUser(t.Context(), "u1")
			failsWith(t, err, test.code, test.says)
		})
	}
}

func TestAnIDIsLookedForByItsOwnFilter(t *testing.T) {
	for _, id := range []string{"acme/ada", `a"b\c`, "a+b&c=d%20e", "\u00e9"} {
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(id)
		step := listed(found(strings.ReplaceAll(url.QueryEscape(`id eq "`+quoted+`"`), "+", "%20")), scimscript.OK(scimscript.List{{ID: id}}))
		read := listed("Users/"+strings.ReplaceAll(url.PathEscape(id), "+", "%2B"), scimscript.NotFound())
		_, err := following(t, read, step).GetUser(t.Context(), id)
		failsWith(t, err, codes.FailedPrecondition, "the API lists this user")
	}
}

func TestAnAnswerIsLostWhereNobodyKnowsWhetherTheChangeWasMade(t *testing.T) {
	for statusCode, want := range map[int]bool{0: true, 302: false, 400: false, 403: false, 404: false, 408: true, 429: false, 500: true, 501: false, 503: true, 600: false} {
		code, _ := codeAndAdvice(statusCode)
		if statusCode == 0 {
			code = codes.DeadlineExceeded
		}
		if got := AnswerLost(&Error{Code: code, StatusCode: statusCode}); got != want {
			t.Errorf("after %d (%s): %t", statusCode, code, got)
		}
	}
	if !AnswerLost(&Error{Code: codes.FailedPrecondition}) {
		t.Error("an answer that is too large does not count as lost")
	}
	if AnswerLost(&Error{Code: codes.Unavailable, StatusCode: http.StatusForbidden}) {
		t.Error("a rate limit in the form of a 403 counts as lost")
	}
	if AnswerLost(&Error{Code: codes.Canceled}) || AnswerLost(nil) {
		t.Error("a request that was cancelled, or succeeded, counts as lost")
	}
}

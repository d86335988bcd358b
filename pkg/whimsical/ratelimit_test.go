package whimsical

import (
	"net/http"
	"slices"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
)

// header returns a header of pairs of a name and a value.
func header(pairs ...string) http.Header {
	h := make(http.Header)
	for pair := range slices.Chunk(pairs, 2) {
		h.Set(pair[0], pair[1])
	}
	return h
}

// about tells whether a rate limit ends after a wait, give or take the time that a test takes.
func about(limit *v2.RateLimitDescription, from time.Time, wait time.Duration) bool {
	end := limit.GetResetAt().AsTime()
	return !end.Before(from.Add(wait-2*time.Second)) && !end.After(time.Now().Add(wait+2*time.Second))
}

func TestARefusalTellsHowLongToWait(t *testing.T) {
	now := time.Now()
	overlimit, failing := v2.RateLimitDescription_STATUS_OVERLIMIT, v2.RateLimitDescription_STATUS_ERROR
	date := func(wait time.Duration, layout string) string {
		return now.Add(wait).UTC().Format(layout)
	}
	for name, test := range map[string]struct {
		statusCode int
		header     http.Header
		status     v2.RateLimitDescription_Status
		// wait is -1 when the SDK has to choose it.
		wait time.Duration
	}{
		"429 with seconds":               {429, header("Retry-After", "30"), overlimit, 30 * time.Second},
		"429 with no seconds":            {429, header("Retry-After", "0"), overlimit, 0},
		"429 with white space":           {429, header("Retry-After", " 30 "), overlimit, 30 * time.Second},
		"429 with too many seconds":      {429, header("Retry-After", "86400"), overlimit, time.Hour},
		"429 with absurdly many seconds": {429, header("Retry-After", "9223372036854775807"), overlimit, time.Hour},
		"429 with an HTTP date":          {429, header("Retry-After", date(time.Minute, http.TimeFormat)), overlimit, time.Minute},
		"429 with an RFC 850 date":       {429, header("Retry-After", date(time.Minute, "Monday, 02-Jan-06 15:04:05 GMT")), overlimit, time.Minute},
		"429 with an asctime date":       {429, header("Retry-After", date(time.Minute, time.ANSIC)), overlimit, time.Minute},
		"429 with a date in the past":    {429, header("Retry-After", date(-time.Hour, http.TimeFormat)), overlimit, 0},
		"429 with a date far ahead":      {429, header("Retry-After", date(90*24*time.Hour, http.TimeFormat)), overlimit, time.Hour},
		"429 with negative seconds":      {429, header("Retry-After", "-5"), overlimit, -1},
		"429 with fractions of seconds":  {429, header("Retry-After", "1.5"), overlimit, -1},
		"429 with garbage":               {429, header("Retry-After", "soon"), overlimit, -1},
		"429 with nothing":               {429, header(), overlimit, -1},
		"429 with a reset":               {429, header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "20"), overlimit, 20 * time.Second},
		"429 with a reset far ahead":     {429, header("X-RateLimit-Reset", "40000000"), overlimit, time.Hour},
		"429 with a reset in the past":   {429, header("X-RateLimit-Limit", "100", "X-RateLimit-Reset", "-20"), overlimit, -1},
		"429 with a malformed limit":     {429, header("X-RateLimit-Limit", "many", "X-RateLimit-Reset", "20"), overlimit, -1},
		"429, Retry-After counts":        {429, header("Retry-After", "30", "X-RateLimit-Reset", "20"), overlimit, 30 * time.Second},
		"503 with seconds":               {503, header("Retry-After", "30"), failing, 30 * time.Second},
		"503 with nothing":               {503, header(), failing, -1},
		"500 within a rate limit":        {500, header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "99", "X-RateLimit-Reset", "1800"), failing, -1},
		"502 with a rate limit used up":  {502, header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1800"), failing, -1},
	} {
		t.Run(name, func(t *testing.T) {
			limit := retryAdvice(test.statusCode, test.header)
			if limit.GetStatus() != test.status {
				t.Errorf("the status is %v, want %v", limit.GetStatus(), test.status)
			}
			if limit.GetRemaining() != 0 {
				t.Errorf("%d requests remain", limit.GetRemaining())
			}
			if test.wait < 0 {
				if limit.HasResetAt() {
					t.Errorf("the wait ends at %v, want none", limit.GetResetAt().AsTime())
				}
				return
			}
			if !limit.HasResetAt() || !about(limit, now, test.wait) {
				t.Errorf("the wait ends at %v, want %v from now", limit.GetResetAt().AsTime(), test.wait)
			}
		})
	}
	for _, statusCode := range []int{200, 204, 301, 400, 401, 403, 404, 409} {
		if limit := retryAdvice(statusCode, header("Retry-After", "30")); limit != nil {
			t.Errorf("%d: got %v", statusCode, limit)
		}
	}
}

func TestAGoodAnswerTellsItsRateLimitWhereItMakesSense(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		header           http.Header
		limit, remaining int64
		// wait is -1 when the answer tells no reset.
		wait time.Duration
		none bool
	}{
		"nothing":             {header: header(), none: true},
		"the usual headers":   {header: header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "42", "X-RateLimit-Reset", "60"), limit: 100, remaining: 42, wait: time.Minute},
		"the draft's headers": {header: header("RateLimit-Limit", "100, 100;w=60", "RateLimit-Remaining", "42", "RateLimit-Reset", "60"), limit: 100, remaining: 42, wait: time.Minute},
		"no reset":            {header: header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "42"), limit: 100, remaining: 42, wait: -1},
		"a malformed limit":   {header: header("X-RateLimit-Limit", "many", "X-RateLimit-Remaining", "42"), none: true},
		"a malformed rest":    {header: header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "some"), none: true},
		"a negative rest":     {header: header("X-RateLimit-Remaining", "-1"), none: true},
		"a malformed reset":   {header: header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "42", "X-RateLimit-Reset", "soon"), limit: 100, remaining: 42, wait: -1},
		"a reset in the past": {header: header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "42", "X-RateLimit-Reset", "-60"), limit: 100, remaining: 42, wait: -1},
		// The SDK's limiter divides by the whole seconds that are left.
		"a reset right now":      {header: header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "42", "X-RateLimit-Reset", "0"), limit: 100, remaining: 42, wait: -1},
		"a reset in a second":    {header: header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "42", "X-RateLimit-Reset", "1"), limit: 100, remaining: 42, wait: -1},
		"a reset far ahead":      {header: header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "42", "X-RateLimit-Reset", "9999999999999999"), limit: 100, remaining: 42, wait: time.Hour},
		"a number beyond limits": {header: header("X-RateLimit-Limit", "99999999999999999999"), none: true},
	} {
		t.Run(name, func(t *testing.T) {
			limit := rateLimit(test.header)
			if test.none {
				if limit != nil {
					t.Errorf("got %v, want none", limit)
				}
				return
			}
			if limit.GetLimit() != test.limit || limit.GetRemaining() != test.remaining {
				t.Errorf("got %v", limit)
			}
			if test.wait < 0 && limit.HasResetAt() || test.wait >= 0 && !about(limit, now, test.wait) {
				t.Errorf("the reset is at %v", limit.GetResetAt().AsTime())
			}
		})
	}
}

func TestMalformedRateLimitHeadersDoNotFailAGoodAnswer(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range keptHeaders {
			w.Header().Set(name, "garbage; 1")
		}
		_, _ = w.Write([]byte(`{"Resources":[{"id":"a"}]}`))
	})
	page, err := client.ListUsers(t.Context(), "")
	if err != nil || len(page.Users) != 1 || page.RateLimit != nil {
		t.Errorf("got %+v, %v", page, err)
	}
	_, err = client.GetUser(t.Context(), "a")
	failsWith(t, err, codes.FailedPrecondition, "") // a list is no user
}

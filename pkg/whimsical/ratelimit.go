package whimsical

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/ratelimit"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	// maxRetryAfter bounds what a server may ask for, so that a wrong clock or
	// header cannot park the connector for days.
	maxRetryAfter = time.Hour
	// minReset is the shortest time to a reset that is passed on: the SDK's
	// limiter divides by the whole seconds that are left.
	minReset = 2 * time.Second
)

// rateLimit reads the rate-limit headers of an answer, or returns nil when it
// has none that make sense: a malformed header never fails a good answer.
func rateLimit(header http.Header) *v2.RateLimitDescription {
	// The status is given as 200: for a 429 without a reset the SDK would make up a wait of a minute, and the
	// growing delays of its retries do better.
	description, err := ratelimit.ExtractRateLimitData(http.StatusOK, &header)
	if err != nil {
		return nil
	}
	switch wait := time.Until(description.GetResetAt().AsTime()); {
	case wait < minReset:
		description.ClearResetAt()
	case wait > maxRetryAfter:
		description.SetResetAt(timestamppb.New(time.Now().Add(maxRetryAfter)))
	}
	if description.GetLimit() == 0 && description.GetRemaining() == 0 && !description.HasResetAt() {
		return nil
	}
	return description
}

// retryAdvice returns the rate limit of a 429 or 5xx answer: the SDK waits for
// its reset before it tries again. The window of a rate limit says nothing
// about how long a server fails, so that only Retry-After counts on a 5xx.
func retryAdvice(statusCode int, header http.Header) *v2.RateLimitDescription {
	status := v2.RateLimitDescription_STATUS_ERROR
	switch {
	case statusCode == http.StatusTooManyRequests:
		status = v2.RateLimitDescription_STATUS_OVERLIMIT
	case statusCode < 500:
		return nil
	}
	if wait, ok := retryAfter(header); ok {
		return v2.RateLimitDescription_builder{
			Status:  status,
			ResetAt: timestamppb.New(time.Now().Add(wait)),
		}.Build()
	}
	if description := rateLimit(header); description != nil && statusCode == http.StatusTooManyRequests {
		description.SetStatus(status)
		description.SetRemaining(0)
		return description
	}
	return v2.RateLimitDescription_builder{Status: status}.Build()
}

// retryAfter reads Retry-After in both forms of RFC 9110 section 10.2.3:
// seconds and an HTTP date. The wait is between 0 and maxRetryAfter.
func retryAfter(header http.Header) (time.Duration, bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second, true
	}
	date, err := http.ParseTime(value)
	return max(0, min(time.Until(date), maxRetryAfter)), err == nil
}

// limited reports whether the headers of a refusal name a rate limit: some servers answer 403 for one.
func limited(header http.Header) bool {
	remaining := []string{"Ratelimit-Remaining", "X-Ratelimit-Remaining", "X-Rate-Limit-Remaining"}
	return header.Get("Retry-After") != "" ||
		slices.ContainsFunc(remaining, func(name string) bool { return strings.TrimSpace(header.Get(name)) == "0" })
}

package whimsical

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	retryTries   = 4
	retryElapsed = time.Minute
	// firstRetryPause is about the first pause; each further one is half as long again.
	firstRetryPause = 500 * time.Millisecond
)

// retried runs a request, up to four times within a minute, while it fails with Unavailable or
// DeadlineExceeded, and is safe to repeat: a POST whose answer was lost may have been carried out. It waits
// longer each time, about pause at first, or as long as the server asks (Retry-After, or the reset of its rate
// limit); when that is more than the minute leaves, it gives up at once. It returns the request's last result.
func retried[T any](ctx context.Context, pause time.Duration, request func() (T, error)) (T, error) {
	var (
		result T
		last   error
	)
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval = pause
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		result, last = request()
		return struct{}{}, retryable(last)
	}, backoff.WithBackOff(delays), backoff.WithMaxTries(retryTries), backoff.WithMaxElapsedTime(retryElapsed)) // the library's own error is of no use to an operator
	return result, last
}

// retryable tells the backoff library what to do with an error.
func retryable(err error) error {
	apiErr, ok := errors.AsType[*Error](err)
	switch code := status.Code(err); {
	case code == codes.OK:
		return nil
	case code != codes.Unavailable && code != codes.DeadlineExceeded, ok && apiErr.Method == http.MethodPost && AnswerLost(err):
		return backoff.Permanent(err)
	}
	if !ok || !apiErr.RateLimit.HasResetAt() {
		return err
	}
	wait := time.Until(apiErr.RateLimit.GetResetAt().AsTime())
	if wait <= 0 {
		// "At once" does not mean without any delay.
		return err
	}
	return &backoff.RetryAfterError{Duration: wait}
}

package whimsical

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	retryTries   = 4
	retryElapsed = time.Minute
)

// Retry runs an operation that is safe to repeat, up to four times within a
// minute, while it fails with Unavailable or DeadlineExceeded. It waits longer
// each time, with jitter, or as long as the server's Retry-After says; when
// that is more than the minute leaves, it gives up at once. It returns the
// operation's last error.
//
// The SDK retries grants and revokes by itself, but not creations, deletions
// and actions.
func Retry(ctx context.Context, operation func() error) error {
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = operation()
		return struct{}{}, retryable(last)
	}, backoff.WithMaxTries(retryTries), backoff.WithMaxElapsedTime(retryElapsed))
	if err == nil || last == nil {
		return err
	}
	return last
}

// retryable tells the backoff library what to do with an error.
func retryable(err error) error {
	switch status.Code(err) {
	case codes.OK:
		return nil
	case codes.Unavailable, codes.DeadlineExceeded:
	default:
		return backoff.Permanent(err)
	}
	var apiErr *Error
	if !errors.As(err, &apiErr) || !apiErr.RateLimit.HasResetAt() {
		return err
	}
	wait := time.Until(apiErr.RateLimit.GetResetAt().AsTime())
	if wait <= 0 {
		// "At once" does not mean without any delay.
		return err
	}
	return &backoff.RetryAfterError{Duration: wait}
}

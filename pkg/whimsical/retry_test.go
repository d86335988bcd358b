package whimsical

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The time of these tests is simulated: nothing waits, and every duration is exact.

// unavailable fails with a wish to be asked again after a delay, or none when it is 0.
func unavailable(after time.Duration) error {
	err := &Error{Code: codes.Unavailable}
	if after != 0 {
		err.RateLimit = v2.RateLimitDescription_builder{ResetAt: timestamppb.New(time.Now().Add(after))}.Build()
	}
	return err
}

// retry is retried without a result.
func retry(ctx context.Context, operation func() error) error {
	_, err := retried(ctx, firstRetryPause, func() (struct{}, error) { return struct{}{}, operation() })
	return err
}

func TestRetryIsBoundedInNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, begin := 0, time.Now()
		var pauses []time.Duration
		err := retry(t.Context(), func() error {
			if tries++; tries > 1 {
				pauses = append(pauses, time.Since(begin))
			}
			begin = time.Now()
			return unavailable(0)
		})
		failsWith(t, err, codes.Unavailable, "")
		if tries != 4 {
			t.Errorf("%d tries, want 4", tries)
		}
		for i, least := range []time.Duration{250 * time.Millisecond, 375 * time.Millisecond, 562 * time.Millisecond} {
			if pauses[i] < least || pauses[i] > 3*least+2*time.Millisecond {
				t.Errorf("pause %d is %v, want one around %v", i+1, pauses[i], 2*least)
			}
		}
	})
}

func TestRetryIsBoundedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		err := retry(t.Context(), func() error {
			tries++
			time.Sleep(40 * time.Second) // a server that is slow to fail
			return unavailable(0)
		})
		failsWith(t, err, codes.Unavailable, "")
		if tries != 2 {
			t.Errorf("%d tries in a minute, want 2", tries)
		}
	})
}

func TestRetryEndsWithTheFirstSuccessOrLastingError(t *testing.T) {
	for name, end := range map[string]error{
		"a success":       nil,
		"a lasting error": &Error{Code: codes.FailedPrecondition},
		"another error":   errors.New("something else"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				err := retry(t.Context(), func() error {
					if tries++; tries == 1 {
						return &Error{Code: codes.DeadlineExceeded}
					}
					return end
				})
				if !errors.Is(err, end) || tries != 2 {
					t.Errorf("%d tries and %v", tries, err)
				}
			})
		})
	}
}

func TestRetryWaitsAsLongAsTheServerAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, begin := 0, time.Now()
		err := retry(t.Context(), func() error {
			if tries++; tries == 1 {
				return unavailable(17 * time.Second)
			}
			return nil
		})
		if err != nil || tries != 2 || time.Since(begin) != 17*time.Second {
			t.Errorf("%d tries in %v and %v", tries, time.Since(begin), err)
		}
	})
}

func TestRetryDoesNotWaitForMoreThanTheMinuteLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, begin := 0, time.Now()
		err := retry(t.Context(), func() error {
			tries++
			return unavailable(61 * time.Second)
		})
		failsWith(t, err, codes.Unavailable, "")
		if tries != 1 || time.Since(begin) != 0 {
			t.Errorf("%d tries in %v, want one at once", tries, time.Since(begin))
		}
	})
}

func TestRetryPausesEvenWhenTheServerAsksForNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, begin := 0, time.Now()
		err := retry(t.Context(), func() error {
			if tries++; tries == 1 {
				return unavailable(-time.Second)
			}
			return nil
		})
		if err != nil || time.Since(begin) < 250*time.Millisecond {
			t.Errorf("%v after %v, want a pause", err, time.Since(begin))
		}
	})
}

func TestRetryEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		err := retry(ctx, func() error { return unavailable(30 * time.Second) })
		failsWith(t, err, codes.Unavailable, "")
		if time.Since(begin) != time.Second {
			t.Errorf("ended after %v, want a second", time.Since(begin))
		}
	})
}

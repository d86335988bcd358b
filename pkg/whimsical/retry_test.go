package whimsical

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The time of these tests is simulated: nothing waits, and every duration is exact.

// unavailable fails with a wish to be asked again after a delay.
func unavailable(after time.Duration) error {
	reset := v2.RateLimitDescription_builder{ResetAt: timestamppb.New(time.Now().Add(after))}.Build()
	return &Error{Code: codes.Unavailable, RateLimit: reset}
}

func TestRetryIsBoundedInNumberAndWaitsLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begins []time.Time
		_, err := retried(t.Context(), firstRetryPause, func() (int, error) {
			begins = append(begins, time.Now())
			return 0, &Error{Code: codes.Unavailable}
		})
		failsWith(t, err, codes.Unavailable, "")
		if len(begins) != 4 {
			t.Fatalf("%d tries, want 4", len(begins))
		}
		for i, least := range []time.Duration{250 * time.Millisecond, 375 * time.Millisecond, 562 * time.Millisecond} {
			if pause := begins[i+1].Sub(begins[i]); pause < least || pause > 3*least+2*time.Millisecond {
				t.Errorf("pause %d is %v, want one around %v", i+1, pause, 2*least)
			}
		}
	})
}

func TestRetryIsBoundedInTimeAndEndsWithTheFirstSuccessOrLastingError(t *testing.T) {
	const pause = 250 * time.Millisecond // the least that is random about the first one
	lasting, another := &Error{Code: codes.FailedPrecondition, reason: "lasting"}, errors.New("something else")
	// after fails once, and ends with an error or none.
	after := func(first func() error, end error) func(int) error {
		return func(try int) error {
			if try == 1 {
				return first()
			}
			return end
		}
	}
	plain := func() error { return &Error{Code: codes.Unavailable} }
	asking := func(after time.Duration) func() error { return func() error { return unavailable(after) } }
	for name, test := range map[string]struct {
		request     func(try int) error
		tries       int
		least, most time.Duration // that it all takes
		code        codes.Code
		says        string
	}{
		"within a minute, of a server that is slow to fail": {
			func(int) error { time.Sleep(40 * time.Second); return plain() }, 2, 80*time.Second + pause, 80*time.Second + 3*pause + time.Millisecond, codes.Unavailable, "",
		},
		"up to a success":              {after(func() error { return &Error{Code: codes.DeadlineExceeded} }, nil), 2, pause, 3*pause + time.Millisecond, codes.OK, ""},
		"up to a lasting error":        {after(plain, lasting), 2, pause, 3*pause + time.Millisecond, codes.FailedPrecondition, "lasting"},
		"up to another error":          {after(plain, another), 2, pause, 3*pause + time.Millisecond, codes.Unknown, "something else"},
		"of an error of the SDK":       {after(func() error { return status.Error(codes.Unavailable, "") }, nil), 2, pause, 3*pause + time.Millisecond, codes.OK, ""},
		"after what the server asks":   {after(asking(17*time.Second), nil), 2, 17 * time.Second, 17 * time.Second, codes.OK, ""},
		"not after more than a minute": {func(int) error { return unavailable(61 * time.Second) }, 1, 0, 0, codes.Unavailable, ""},
		"not at once, though asked to": {after(asking(0), nil), 2, pause, 3*pause + time.Millisecond, codes.OK, ""},
		"not in the past":              {after(asking(-time.Second), nil), 2, pause, 3*pause + time.Millisecond, codes.OK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries, begin := 0, time.Now()
				last, err := retried(t.Context(), firstRetryPause, func() (int, error) {
					tries++
					return tries, test.request(tries)
				})
				failsWith(t, err, test.code, test.says)
				if took := time.Since(begin); tries != test.tries || last != tries || took < test.least || took > test.most {
					t.Errorf("%d tries in %v, the last one %d, want %d in %v to %v", tries, took, last, test.tries, test.least, test.most)
				}
			})
		})
	}
}

func TestRetryEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		_, err := retried(ctx, firstRetryPause, func() (int, error) { return 0, unavailable(30 * time.Second) })
		failsWith(t, err, codes.Unavailable, "")
		if time.Since(begin) != time.Second {
			t.Errorf("ended after %v, want a second", time.Since(begin))
		}
	})
}

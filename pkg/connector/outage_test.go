package connector

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-sdk/pkg/retry"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/conductorone/baton-sdk/pkg/types/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// sitOut repeats a read as the SDK's syncer does, with its very retryer, for as
// long as that wants to. It returns the time that passed and the last error.
func sitOut(ctx context.Context, read func() error) (time.Duration, error) {
	retryer := retry.NewRetryer(ctx, retry.RetryConfig{})
	began := time.Now()
	for {
		err := read()
		if err == nil || !retryer.ShouldWaitAndRetry(ctx, err) {
			return time.Since(began), err
		}
	}
}

// failing is a read that takes some time and fails with a code.
func failing(takes time.Duration, code codes.Code) func() error {
	return func() error {
		time.Sleep(takes)
		return status.Error(code, "down")
	}
}

func TestASyncEndsWhenTheAPINeverRecovers(t *testing.T) {
	for name, test := range map[string]struct {
		answer  time.Duration
		code    codes.Code
		longest time.Duration
	}{
		"it fails at once":               {0, codes.Unavailable, 11 * time.Minute},
		"it hangs":                       {time.Minute, codes.DeadlineExceeded, 12 * time.Minute},
		"its answers never end":          {5 * time.Minute, codes.DeadlineExceeded, 26 * time.Minute},
		"each answer takes half an hour": {30 * time.Minute, codes.DeadlineExceeded, 151 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &outage{}
				// A sync that was cancelled had failed, too.
				if err := o.watch(failing(0, test.code)); status.Code(err) != test.code {
					t.Error(err)
				}
				for range 2 { // each sync begins anew
					time.Sleep(3 * time.Hour)
					lasted, err := sitOut(t.Context(), func() error { return o.watch(failing(test.answer, test.code)) })
					if status.Code(err) != codes.Aborted || lasted < outageTime || lasted > test.longest {
						t.Errorf("the sync ended after %s with %v", lasted, err)
					}
				}
			})
		})
	}
}

func TestAFailedTrySaysWhenTheSyncGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outage{}
		for _, want := range []string{
			"try 1 failed, the sync gives up in 6m0s", "try 2 failed, the sync gives up in 2m0s",
			"try 3 failed, the sync gives up after try 5", "try 4 failed, the sync gives up after try 5",
		} {
			err := o.watch(failing(4*time.Minute, codes.Unavailable))
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	})
}

func TestASyncSurvivesAnOutageOfAFewMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outage{}
		for range 3 {
			recovery := time.Now().Add(9 * time.Minute)
			lasted, err := sitOut(t.Context(), func() error {
				if time.Now().Before(recovery) {
					return o.watch(failing(0, codes.Unavailable))
				}
				return o.watch(func() error { return nil })
			})
			if err != nil || lasted > 10*time.Minute {
				t.Errorf("the sync ended after %s with %v", lasted, err)
			}
		}
	})
}

// outOfReach is a session store that never answers.
type outOfReach struct{ sessions.SessionStore }

func (outOfReach) GetMany(context.Context, []string, ...sessions.SessionStoreOption) (map[string][]byte, []string, error) {
	return nil, nil, status.Error(codes.Unavailable, "connection refused")
}

func TestASyncEndsWhenTheSessionStoreNeverRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		builder := &roleBuilder{members: &members{}}
		lasted, err := sitOut(t.Context(), func() error {
			_, _, err := builder.Grants(t.Context(), roles[0].reference(), rs.SyncOpAttrs{Session: outOfReach{}})
			return err
		})
		if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "reading the workspace has been failing for") || lasted > 11*time.Minute {
			t.Errorf("the sync ended after %s with %v", lasted, err)
		}
	})
}

func TestErrorsThatTheSDKDoesNotRetryPassUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outage{}
		for _, err := range []error{
			status.Error(codes.Unauthenticated, "refused"), status.Error(codes.FailedPrecondition, "no SCIM"), context.Canceled, errors.New("other"),
		} {
			for range 2 * outageFailures {
				got := o.watch(func() error {
					time.Sleep(time.Hour)
					return err
				})
				if !errors.Is(got, err) {
					t.Errorf("%v became %v", err, got)
				}
			}
		}
	})
}

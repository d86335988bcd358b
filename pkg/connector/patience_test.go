package connector

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/retry"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/conductorone/baton-sdk/pkg/types/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var errDown = status.Error(codes.Unavailable, "baton-whimsical: GET /Users answered 503 Service Unavailable")

// sitOut repeats a read as the SDK's syncer does, with its very retryer, for as
// long as that wants to. It returns the time that passed and the last error.
func sitOut(ctx context.Context, p *patience, read func() error) (time.Duration, error) {
	retryer := retry.NewRetryer(ctx, retry.RetryConfig{})
	began := time.Now()
	for {
		started := time.Now()
		err := p.judge(started, read())
		if err == nil || !retryer.ShouldWaitAndRetry(ctx, err) {
			return time.Since(began), err
		}
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
				lasted, err := sitOut(t.Context(), &patience{of: "the API"}, func() error {
					time.Sleep(test.answer)
					return status.Error(test.code, "down")
				})
				if status.Code(err) != codes.Aborted || lasted < patienceTime || lasted > test.longest {
					t.Errorf("the sync ended after %s with %v", lasted, err)
				}
			})
		})
	}
}

func TestASyncSurvivesAnOutageOfAFewMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recovery := time.Now().Add(9 * time.Minute)
		p := &patience{}
		for range 3 {
			lasted, err := sitOut(t.Context(), p, func() error {
				if time.Now().Before(recovery) {
					return errDown
				}
				return nil
			})
			if err != nil || lasted > 10*time.Minute {
				t.Errorf("the sync ended after %s with %v", lasted, err)
			}
			recovery = time.Now().Add(9 * time.Minute)
		}
	})
}

func TestTheNextSyncHasItsOwnPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patience{}
		if err := p.judge(time.Now(), errDown); !errors.Is(err, errDown) {
			t.Fatal(err)
		}
		// The sync was cancelled; the next one meets an outage hours later.
		time.Sleep(3 * time.Hour)
		for range 2 {
			if lasted, err := sitOut(t.Context(), p, func() error { return errDown }); status.Code(err) != codes.Aborted || lasted < patienceTime {
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
		roles := &roleBuilder{users: newListing(nil)}
		editor := v2.Resource_builder{Id: v2.ResourceId_builder{ResourceType: "role", Resource: "editor"}.Build()}.Build()
		retryer := retry.NewRetryer(t.Context(), retry.RetryConfig{})
		began := time.Now()
		for {
			_, _, err := roles.Grants(t.Context(), editor, rs.SyncOpAttrs{Session: outOfReach{}})
			if err == nil || !retryer.ShouldWaitAndRetry(t.Context(), err) {
				lasted := time.Since(began)
				if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "the SDK's session store has been failing for") || lasted > 11*time.Minute {
					t.Errorf("the sync ended after %s with %v", lasted, err)
				}
				return
			}
		}
	})
}

func TestErrorsThatTheSDKDoesNotRetryPassUnchanged(t *testing.T) {
	p := &patience{}
	for _, err := range []error{
		status.Error(codes.Unauthenticated, "refused"), status.Error(codes.FailedPrecondition, "no SCIM"), context.Canceled, errors.New("other"),
	} {
		for range 2 * patienceFailures {
			if got := p.judge(time.Now().Add(-time.Hour), err); !errors.Is(got, err) {
				t.Errorf("%v became %v", err, got)
			}
		}
	}
}

//go:build unix

package reliability

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// trial is one fault in one operation.
type trial struct {
	t         *testing.T
	fault     faults.Fault
	operation operation
}

// observed is what became of a trial.
type observed struct {
	// always is the attempt in which the fault struck all requests; once are those
	// in which it struck the first alone, the second alone, and so on.
	always attempt
	once   []attempt
}

// attempt is one run of a trial.
type attempt struct {
	outcome string
	// struck is set when there was a request to strike.
	struck bool
	// complaints are what is wrong whatever the outcome: changes that nobody asked
	// for, and secrets.
	complaints []string
}

// The outcomes, as matrix.md spells them.
const (
	truth   = "ok"
	pending = "pending"
	lie     = "LIE"
)

var codeNames = map[codes.Code]string{
	codes.Unavailable:        "down",
	codes.DeadlineExceeded:   "late",
	codes.FailedPrecondition: "pre",
	codes.InvalidArgument:    "arg",
	codes.Unauthenticated:    "auth",
	codes.PermissionDenied:   "perm",
	codes.Unimplemented:      "impl",
}

// observeOnce strikes each request of the operation in turn.
func (c trial) observeOnce(ctx context.Context) []attempt {
	var once []attempt
	for after := 0; ; after++ {
		a := c.attempt(ctx, after)
		if !a.struck {
			return once
		}
		once = append(once, a)
	}
}

// allRequests are struck instead of a single one.
const allRequests = -1

// attempt makes the call once, as often as the SDK does. after is the number of
// requests before the one to strike, or allRequests.
func (c trial) attempt(ctx context.Context, after int) attempt {
	var a attempt
	complain := func(format string, args ...any) {
		a.complaints = append(a.complaints, fmt.Sprintf("after %d requests: ", after)+fmt.Sprintf(format, args...))
	}
	timeout := time.Minute // which no test reaches
	if c.fault.Slow {
		timeout = time.Second
	}
	s, err := newBuilders(ctx, c.t, timeout)
	if err != nil {
		complain("%v", err)
		return a
	}
	defer s.Close()
	rule := faults.Rule{Fault: c.fault, Operations: c.operation.strikes}
	if after != allRequests {
		rule.After, rule.Times = after, 1
	}
	s.Set(rule)
	before, wanted := s.Users(), s.Users()
	err = persistently(c.operation.calls, func() error { return c.operation.run(s) })
	a.struck = s.Strikes() > 0

	if c.operation.changed != nil {
		wanted = c.operation.changed(wanted)
	}
	asItWas, asAsked, now := describe(before), describe(wanted), describe(s.Users())
	switch {
	case err == nil && now == asAsked:
		a.outcome = truth
	case err == nil || errors.Is(err, errLie):
		a.outcome = lie
		complain("the call succeeded (%v), but the workspace is\n%s", err, now)
	default:
		a.outcome = outcomeOf(err)
	}
	if now != asItWas && now != asAsked {
		complain("the workspace was changed to\n%s", now)
	}
	for _, leak := range slices.Concat(leaks.InError(err), leaks.InLog(s.log.String())) {
		complain("%s", leak)
	}
	return a
}

func outcomeOf(err error) string {
	if errors.Is(err, errPending) {
		return pending
	}
	if name, ok := codeNames[status.Code(err)]; ok {
		return name
	}
	return status.Code(err).String()
}

// persistently makes a call as often as the SDK does, without its waits.
func persistently(calls int, call func() error) error {
	for {
		err := call()
		calls--
		if code := status.Code(err); calls <= 0 || code != codes.Unavailable && code != codes.DeadlineExceeded {
			return err
		}
	}
}

// describe tells what matters of users, without regard to their order.
func describe(users []sim.User) string {
	var lines []string
	for _, user := range users {
		lines = append(lines, fmt.Sprintf("%s active=%t %q\n", user.UserName, user.Active, batontest.RoleOf(user)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// String spells an observation as matrix.md does: the outcome of one strike
// (where it depends on the request that is struck, one outcome for each, in
// order), then of strikes without end.
func (o *observed) String() string {
	var once []string
	for _, a := range o.once {
		once = append(once, a.outcome)
	}
	if len(slices.Compact(slices.Clone(once))) == 1 {
		once = once[:1]
	}
	return strings.Join(once, ",") + " / " + o.always.outcome
}

// complaints returns those of all attempts.
func (o *observed) complaints() []string {
	complaints := o.always.complaints
	for _, a := range o.once {
		complaints = append(complaints, a.complaints...)
	}
	return complaints
}

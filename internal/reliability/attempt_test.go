//go:build unix

package reliability

import (
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

// trial is one fault in one operation: a cell of the matrix.
type trial struct {
	t         *testing.T
	fault     faults.Fault
	operation operation
}

// The outcomes that are no code, as matrix.md spells them.
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

// cell lets the fault strike each request of the operation in turn, and then all of them. It spells the outcomes as
// matrix.md does: that of one strike (where it depends on the request that is struck, one outcome for each, in
// order), then that of strikes without end.
func (c trial) cell() string {
	var once []string
	for after := 0; ; after++ {
		outcome, struck := c.attempt(faults.Rule{Fault: c.fault, Operations: c.operation.strikes, After: after, Times: 1})
		if !struck {
			break
		}
		once = append(once, outcome)
	}
	if len(slices.Compact(slices.Clone(once))) == 1 {
		once = once[:1]
	}
	always, _ := c.attempt(faults.Rule{Fault: c.fault, Operations: c.operation.strikes})
	return strings.Join(once, ",") + " / " + always
}

// attempt makes the call once, as often as the SDK does, and returns the outcome, and whether there was a request to
// strike. The test fails on what is wrong whatever the outcome: changes that nobody asked for, and secrets.
func (c trial) attempt(rule faults.Rule) (string, bool) {
	complain := func(format string, args ...any) {
		c.t.Errorf("%s, %s, after %d requests: %s", c.fault.Name, c.operation.name, rule.After, fmt.Sprintf(format, args...))
	}
	timeout := time.Minute // which no test reaches
	if c.fault.Slow {
		timeout = time.Second
	}
	s, err := newBuilders(c.t, timeout)
	if err != nil {
		complain("%v", err)
		return "", false
	}
	defer s.Close()
	s.Set(rule)
	before, wanted := s.Users(), s.Users()
	err = persistently(c.operation.calls, func() error { return c.operation.run(s) })
	if c.operation.changed != nil {
		wanted = c.operation.changed(wanted)
	}

	outcome := outcomeOf(err)
	asItWas, asAsked, now := describe(before), describe(wanted), describe(s.Users())
	if err == nil && now != asAsked || errors.Is(err, errLie) {
		outcome = lie
		complain("the call succeeded (%v), but the workspace is\n%s", err, now)
	}
	if now != asItWas && now != asAsked {
		complain("the workspace was changed to\n%s", now)
	}
	for _, leak := range slices.Concat(leaks.InError(err), leaks.InLog(s.log.String())) {
		complain("%s", leak)
	}
	return outcome, s.Strikes() > 0
}

func outcomeOf(err error) string {
	name, ok := codeNames[status.Code(err)]
	switch {
	case err == nil:
		return truth
	case errors.Is(err, errPending):
		return pending
	case ok:
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

//go:build unix

// Package reliability tests what the connector promises whatever the server and the network do; docs/reliability.md
// names the promises and their tests. The expected outcome of every fault in every operation is in matrix.md.
package reliability

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestMain(m *testing.M) { os.Exit(launch.Main(m)) }

// thirty is a workspace whose listing has pages.
var thirty = sim.Config{Users: 30, PageSize: 10}

// served serves a workspace, and returns a folder for runs against it, with additional environment variables.
func served(t *testing.T, cfg sim.Config, env ...string) (*faults.Workspace, *launch.Folder) {
	t.Helper()
	w := faults.Serve(t, cfg)
	f := launch.NewFolder(t, w)
	f.Env = append(f.Env, env...)
	return w, f
}

//go:embed matrix.md
var matrixFile string

func TestEveryFaultInEveryOperationEndsAsTheMatrixSays(t *testing.T) {
	t.Parallel()
	want := matrix(t)
	// So many trials run at a time, by whether they move hundreds of megabytes: all mostly wait. Those whose client is
	// impatient run when the others are done.
	slots := map[bool]chan struct{}{false: make(chan struct{}, 256), true: make(chan struct{}, 8)}
	for _, slow := range []bool{false, true} {
		var running sync.WaitGroup
		for _, fault := range faults.Table() {
			if fault.Slow != slow {
				continue
			}
			slot := slots[fault.Large]
			for i, operation := range operations() {
				running.Go(func() {
					slot <- struct{}{}
					defer func() { <-slot }()
					if got := (trial{t, fault, operation}).cell(); got != want[fault.Name][i] {
						t.Errorf("%s, %s: %s, want %s", fault.Name, operation.name, got, want[fault.Name][i])
					}
				})
			}
		}
		running.Wait()
	}
}

// matrix reads the table of matrix.md: the cells of each fault. It must have one row for each fault and one column for
// each operation, in order.
func matrix(t *testing.T) map[string][]string {
	t.Helper()
	header, known := []string{"fault"}, []string(nil)
	for _, operation := range operations() {
		header = append(header, operation.name)
	}
	for _, fault := range faults.Table() {
		known = append(known, fault.Name)
	}
	var columns, names []string
	cells := map[string][]string{}
	for line := range strings.Lines(matrixFile) {
		row := strings.Split(strings.Trim(line, "|\n"), "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		switch {
		case slices.Equal(row, header):
			columns = row
		case len(row) == len(columns) && !strings.HasPrefix(row[0], "-"):
			names = append(names, row[0])
			cells[row[0]] = row[1:]
		}
	}
	if !slices.Equal(names, known) {
		t.Fatalf("matrix.md has no table with the columns %q, or its rows are\n%q, but the faults are\n%q", header, names, known)
	}
	return cells
}

// trial is one fault in one operation: a cell of the matrix.
type trial struct {
	t         *testing.T
	fault     faults.Fault
	operation operation
}

// outcomes are the words of matrix.md for codes. A success with something else than the truth is a LIE.
var outcomes = map[string]codes.Code{
	"ok": codes.OK, "down": codes.Unavailable, "late": codes.DeadlineExceeded, "pre": codes.FailedPrecondition,
	"arg": codes.InvalidArgument, "auth": codes.Unauthenticated, "perm": codes.PermissionDenied, "impl": codes.Unimplemented,
}

// cell lets the fault strike each request of the operation in turn, and all of them. It spells the outcomes as
// matrix.md does: that of one strike (where it depends on the request that is struck, one outcome for each, in
// order), then that of strikes without end.
func (c trial) cell() string {
	always := make(chan string, 1)
	go func() {
		outcome, _ := c.attempt(0, 0)
		always <- outcome
	}()
	var once []string
	outcome, struck := c.attempt(0, 1)
	for after := 1; struck; after++ {
		once = append(once, outcome)
		outcome, struck = c.attempt(after, 1)
	}
	if len(slices.Compact(slices.Clone(once))) == 1 {
		once = once[:1]
	}
	return strings.Join(once, ",") + " / " + <-always
}

// attempt makes the call once, as often as the SDK does, and returns the outcome, and whether there was a request to
// strike. The test fails on what is wrong whatever the outcome: changes that nobody asked for, and secrets.
func (c trial) attempt(after, times int) (string, bool) {
	complain := func(format string, args ...any) {
		c.t.Errorf("%s, %s, after %d requests: %s", c.fault.Name, c.operation.name, after, fmt.Sprintf(format, args...))
	}
	s, err := newBuilders(c.t, map[bool]time.Duration{true: time.Second, false: time.Minute}[c.fault.Slow]) // a minute: never
	if err != nil {
		complain("%v", err)
		return "", false
	}
	defer s.Close()
	s.Set(faults.Rule{Fault: c.fault, Operations: c.operation.strikes, After: after, Times: times})
	before, wanted := s.Users(), s.Users()
	err = persistently(c.operation.calls, func() error { return c.operation.run(s) })
	if c.operation.changed != nil {
		wanted = c.operation.changed(wanted)
	}

	outcome := outcomeOf(err)
	asItWas, asAsked, now := describe(before), describe(wanted), describe(s.Users())
	if err == nil && now != asAsked || errors.Is(err, errLie) {
		outcome = "LIE"
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
	if errors.Is(err, errPending) {
		return "pending"
	}
	for name, code := range outcomes {
		if code == status.Code(err) {
			return name
		}
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

func TestEveryPromiseNamesTestsThatExist(t *testing.T) {
	document, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	if err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path) //nolint:gosec // a file of this repository
		_, _ = tests.Write(source)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)`")
	for line := range strings.Lines(string(document)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Promise") {
			continue
		}
		names := named.FindAllStringSubmatch(line, -1)
		if len(names) == 0 && !strings.HasSuffix(strings.TrimSpace(line), "| the same |") {
			t.Errorf("no test keeps this promise: %s", line)
		}
		for _, name := range names {
			if !strings.Contains(tests.String(), "\nfunc "+name[1]+"(") {
				t.Errorf("there is no test %s", name[1])
			}
		}
	}
	if count := strconv.Itoa(len(faults.Table())) + " faults"; !strings.Contains(string(document), count) {
		t.Errorf("the document does not tell of %s", count)
	}
}

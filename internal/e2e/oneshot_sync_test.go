//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestOneShotSyncHoldsTheWorkspaceWhateverItsSize(t *testing.T) {
	t.Parallel()
	for _, users := range []int{0, 1, 100, 101, 10000} {
		t.Run(fmt.Sprintf("%d users", users), func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, sim.Config{Users: users})
			launch.NewFolder(t, w).Syncs(w.Users())
			if got, budget := len(w.TakeRequests()), (users+98)/99+3; got > budget {
				t.Errorf("%d requests, want at most %d", got, budget)
			}
		})
	}
}

// targeted returns a user of every kind, and what a sync of those alone has to say: entitlements come with the role
// that has them.
func targeted(t *testing.T, w *faults.Workspace) ([]sim.User, batontest.Access) {
	t.Helper()
	var users []sim.User
	for _, match := range []func(sim.User) bool{isEditor, isViewer, isInactive, hasNoRole} {
		users = append(users, person(t, w, match))
	}
	want := batontest.Expected(users)
	maps.DeleteFunc(want, func(thing, _ string) bool { return strings.HasPrefix(thing, "entitlement ") })
	return users, want
}

func TestTargetedSyncHoldsTheUsersAndTheirGrants(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, leaving)
	f := launch.NewFolder(t, w)
	users, want := targeted(t, w)
	var ids []string
	for _, user := range users {
		ids = append(ids, "bid:r:user/"+user.ID)
	}
	f.Succeed("--sync-resources", strings.Join(ids, ","))
	launch.Holds(t, f.File, want)
}

func TestSyncThatCannotWorkSaysWhyAndSealsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  string
		rule faults.Rule
		code codes.Code
		says string
	}{
		"a wrong token":    {env: "BATON_WHIMSICAL_TOKEN=wrong", code: codes.Unauthenticated, says: "reveal it again in Whimsical's Workspace settings"},
		"an open URL":      {env: "BATON_BASE_URL=http://whimsical.example.com/scim-v2/", code: codes.InvalidArgument, says: "use https"},
		"nothing there":    {rule: faults.Rule{Fault: faults.Named("404 as HTML")}, code: codes.FailedPrecondition, says: "check base-url"},
		"a web page there": {rule: faults.Rule{Fault: faults.Named("HTML with 200")}, code: codes.FailedPrecondition, says: "it is a web page"},
		"another API":      {rule: faults.Rule{Fault: faults.Named("another API")}, code: codes.FailedPrecondition, says: "no SCIM ListResponse"},
		"a refusal midway": {rule: faults.Rule{Fault: faults.Named("403"), After: 4}, code: codes.PermissionDenied, says: "nothing was written"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, paged)
			f := launch.NewFolder(t, w)
			f.Env = append(f.Env, test.env)
			if test.rule.Fault.Name != "" {
				w.Set(test.rule)
			}
			f.Fail(test.code, test.says)
			holdsOnly(t, f.Dir)
		})
	}
}

// The file of an earlier sync is somebody's picture of who has access.

// paged is a workspace whose listing takes ten requests.
var paged = sim.Config{Users: 40, PageSize: 5}

// holdsOnly fails the test unless a folder holds these files and nothing else.
func holdsOnly(t *testing.T, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	same := func(entry fs.DirEntry, name string) bool { return entry.Name() == name }
	if err != nil || !slices.EqualFunc(entries, names, same) {
		t.Errorf("%s holds %v (%v), want %q", folder, entries, err, names)
	}
}

// good returns a folder with the file of a sync, what is in it, and the workspace, whose
// users have changed since.
func good(t *testing.T, env ...string) (*launch.Folder, []byte, *faults.Workspace) {
	t.Helper()
	w := faults.Serve(t, paged)
	f := launch.NewFolder(t, w)
	f.Env = append(f.Env, env...)
	f.Succeed()
	content, err := os.ReadFile(f.File)
	if err != nil {
		t.Fatal(err)
	}
	w.Add(sim.User{UserName: "new@example.com", Email: "new@example.com", DisplayName: "New", Active: true})
	return f, content, w
}

// unchanged fails the test unless the file of a folder is as it was.
func unchanged(t *testing.T, f *launch.Folder, content []byte) {
	t.Helper()
	if now, err := os.ReadFile(f.File); err != nil || !bytes.Equal(now, content) {
		t.Errorf("the file has changed: %v", err)
	}
}

// The next sync does not go on with what the one that failed has read: somebody may have left since.
func TestASyncThatFailsLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	midway := faults.Rule{Fault: faults.Named("403"), Operations: []faults.Operation{faults.List}, After: 4}
	for name, test := range map[string]struct {
		rule      faults.Rule
		args, env []string
		code      codes.Code
		says      string
	}{
		"at the start":   {rule: faults.Rule{Fault: faults.Named("401")}, code: codes.Unauthenticated, says: "sync.c1z is as it was"},
		"midway":         {rule: midway, code: codes.PermissionDenied, says: "sync.c1z is as it was"},
		"midway, Pebble": {rule: midway, env: []string{"BATON_STORAGE_ENGINE=pebble"}, code: codes.PermissionDenied, says: "is as it was"},
		"midway, SQLite": {rule: midway, env: []string{"BATON_STORAGE_ENGINE=sqlite"}, code: codes.PermissionDenied, says: "is as it was"},
		"a misspelt type": {
			args: []string{"--sync-resource-types=users"}, code: codes.InvalidArgument, says: "there is no resource type users: the types are user and role",
		},
		"one of two":     {args: []string{"--sync-resource-types=user,roles"}, code: codes.InvalidArgument, says: "no resource type roles"},
		"one to target":  {args: []string{"--sync-resources=bid:r:users/u"}, code: codes.InvalidArgument, says: "no resource type users"},
		"a malformed ID": {args: []string{"--sync-resources=user:u"}, code: codes.InvalidArgument, says: "takes IDs such as bid:r:user/ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, content, w := good(t, test.env...)
			if test.rule.Fault.Name != "" {
				w.Set(test.rule)
			}
			f.Fail(test.code, test.says, test.args...)
			unchanged(t, f, content)
			holdsOnly(t, f.Dir, "sync.c1z")
			w.Set()
			w.Remove(w.Users()[0].ID)
			f.Syncs(w.Users())
			holdsOnly(t, f.Dir, "sync.c1z")
		})
	}
}

// That two which begin at the same moment never overlap is tested in the package draft.
func TestSyncKilledAtAnyMomentEndsWithTheSameResult(t *testing.T) {
	t.Parallel()
	for _, at := range []int{1, 2, 3, 5, 8, 12, 16, 19, 21, 22} {
		t.Run(fmt.Sprintf("at request %d", at), func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, sim.Config{Users: 2000})
			hold, release := faults.Hold()
			w.Set(faults.Rule{Fault: hold, After: at - 1, Times: 1})
			f := launch.NewFolder(t, w)
			p := f.Start()
			p.Until(w.Struck())
			if code := p.Signal(syscall.SIGKILL, false); code == 0 {
				t.Error("the killed sync exited with 0")
			}
			release()
			f.Syncs(w.Users())
		})
	}
}

func TestSyncsOfOneFileAtATime(t *testing.T) {
	t.Parallel()
	f, _, w := good(t)
	hold, release := faults.Hold()
	w.Set(faults.Rule{Fault: hold, After: 5})
	first := f.Start()
	first.Until(w.Struck())
	for range 4 {
		code, p := f.Run()
		if said := p.Stderr.String(); code != int(codes.Aborted) || strings.Count(said, "\n") != 1 || !strings.Contains(said, "another run is writing sync.c1z") {
			t.Errorf("exit code %d, the refused run says %q", code, said)
		}
	}
	release()
	if code := first.Wait(); code != 0 {
		t.Errorf("the first run: exit code %d", code)
	}
	f.Holds(w.Users())
	holdsOnly(t, f.Dir, "sync.c1z")
}

func TestSyncsOfOneFileThatBeginTogether(t *testing.T) {
	t.Parallel()
	f, _, w := good(t)
	for round := range 10 {
		var running []*launch.Process
		for range 5 {
			running = append(running, f.Start())
		}
		ended := map[int]int{}
		for _, p := range running {
			code := p.Wait()
			ended[code]++
			if said := p.Stderr.String(); code == int(codes.Aborted) && (strings.Count(said, "\n") != 1 || !strings.Contains(said, "another run is writing sync.c1z")) {
				t.Errorf("the refused run says %q", said)
			}
		}
		if ended[0] == 0 || ended[0]+ended[int(codes.Aborted)] != 5 {
			t.Errorf("round %d: runs by exit code: %v", round, ended)
		}
		f.Holds(w.Users())
		holdsOnly(t, f.Dir, "sync.c1z")
	}
}

func TestASyncKilledAtAnyMomentLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 10; at++ {
		for _, earlier := range []bool{true, false} {
			t.Run(fmt.Sprintf("at request %d, with the file of an earlier sync: %t", at, earlier), func(t *testing.T) {
				t.Parallel()
				f, content, w := good(t)
				if !earlier {
					if err := os.Remove(f.File); err != nil {
						t.Fatal(err)
					}
				}
				hold, release := faults.Hold()
				w.Set(faults.Rule{Fault: hold, After: at - 1, Times: 1})
				p := f.Start()
				p.Until(w.Struck())
				if code := p.Signal(syscall.SIGKILL, false); code == 0 {
					t.Error("the killed sync exited with 0")
				}
				release()
				if earlier {
					unchanged(t, f, content)
				}
				f.Syncs(w.Users())
				holdsOnly(t, f.Dir, "sync.c1z")
			})
		}
	}
}

func TestWhatIsNoFileIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	f := unasked(t)
	fifo := filepath.Join(f.Dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, f, "blocked.c1z.part", "")
	for _, name := range []string{os.DevNull, "fifo", "."} {
		f.Fail(codes.InvalidArgument, name+" is no regular file", "-f", name)
	}
	f.Fail(codes.FailedPrecondition, "blocked.c1z cannot be written, and stays as it is", "-f", "blocked.c1z")
	if info, err := os.Lstat(fifo); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("the FIFO has become %v, %v", info, err)
	}
}

func TestTheFileIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	f, _, _ := good(t)
	for _, before := range []os.FileMode{0o600, 0o644} {
		if err := os.Chmod(f.File, before); err != nil {
			t.Fatal(err)
		}
		f.Succeed()
		if info, err := os.Stat(f.File); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file is %v, %v", info.Mode(), err)
		}
	}
}

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
			w, f := served(t, sim.Config{Users: users})
			f.Syncs(w.Users())
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
	users := []sim.User{person(t, w, isEditor), person(t, w, isViewer), person(t, w, isInactive), person(t, w, hasNoRole)}
	want := batontest.Expected(users)
	maps.DeleteFunc(want, func(thing, _ string) bool { return strings.HasPrefix(thing, "entitlement ") })
	return users, want
}

func TestTargetedSyncHoldsTheUsersAndTheirGrants(t *testing.T) {
	t.Parallel()
	w, f := served(t, leaving)
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
		env   string
		rules []faults.Rule
		code  codes.Code
		says  string
	}{
		"a wrong token":    {"BATON_WHIMSICAL_TOKEN=wrong", nil, codes.Unauthenticated, "reveal it again in Whimsical's Workspace settings"},
		"an open URL":      {"BATON_BASE_URL=http://whimsical.example.com/scim-v2/", nil, codes.InvalidArgument, "use https"},
		"nothing there":    {"", []faults.Rule{{Fault: faults.Named("404 as HTML")}}, codes.FailedPrecondition, "check base-url"},
		"a web page there": {"", []faults.Rule{{Fault: faults.Named("HTML with 200")}}, codes.FailedPrecondition, "it is a web page"},
		"another API":      {"", []faults.Rule{{Fault: faults.Named("another API")}}, codes.FailedPrecondition, "no SCIM ListResponse"},
		"a refusal midway": {"", []faults.Rule{{Fault: faults.Named("403"), After: 4}}, codes.PermissionDenied, "nothing was written"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, f := served(t, paged, test.env)
			w.Set(test.rules...)
			f.Fail(test.code, test.says)
			holdsOnly(t, f.Dir)
		})
	}
}

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
	w, f := served(t, paged, env...)
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
	start := []faults.Rule{{Fault: faults.Named("401")}}
	midway := []faults.Rule{{Fault: faults.Named("403"), Operations: []faults.Operation{faults.List}, After: 4}}
	for name, test := range map[string]struct {
		rules     []faults.Rule
		env, flag string
		code      codes.Code
		says      string
	}{
		"at the start":    {start, "", "", codes.Unauthenticated, "sync.c1z is as it was"},
		"midway":          {midway, "", "", codes.PermissionDenied, "sync.c1z is as it was"},
		"midway, Pebble":  {midway, "BATON_STORAGE_ENGINE=pebble", "", codes.PermissionDenied, "is as it was"},
		"midway, SQLite":  {midway, "BATON_STORAGE_ENGINE=sqlite", "", codes.PermissionDenied, "is as it was"},
		"a misspelt type": {nil, "", "--sync-resource-types=users", codes.InvalidArgument, "there is no resource type users: the types are user and role"},
		"one of two":      {nil, "", "--sync-resource-types=user,roles", codes.InvalidArgument, "no resource type roles"},
		"one to target":   {nil, "", "--sync-resources=bid:r:users/u", codes.InvalidArgument, "no resource type users"},
		"a malformed ID":  {nil, "", "--sync-resources=user:u", codes.InvalidArgument, "takes IDs such as bid:r:user/ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, content, w := good(t, test.env)
			w.Set(test.rules...)
			f.Fail(test.code, test.says, strings.Fields(test.flag)...)
			unchanged(t, f, content)
			holdsOnly(t, f.Dir, "sync.c1z")
			w.Set()
			w.Remove(w.Users()[0].ID)
			f.Syncs(w.Users())
			holdsOnly(t, f.Dir, "sync.c1z")
		})
	}
}

// killed kills a sync at the request that comes after so many others.
func killed(t *testing.T, w *faults.Workspace, f *launch.Folder, after int) {
	t.Helper()
	p, release := held(w, f, after)
	if code := p.Signal(syscall.SIGKILL, false); code == 0 {
		t.Error("the killed sync exited with 0")
	}
	release()
}

// That two which begin at the same moment never overlap is tested in the package draft.
func TestSyncKilledAtAnyMomentEndsWithTheSameResult(t *testing.T) {
	t.Parallel()
	for _, at := range []int{1, 2, 3, 5, 8, 12, 16, 19, 21, 22} {
		t.Run(fmt.Sprintf("at request %d", at), func(t *testing.T) {
			t.Parallel()
			w, f := served(t, sim.Config{Users: 2000})
			killed(t, w, f, at-1)
			f.Syncs(w.Users())
			holdsOnly(t, f.Dir, "sync.c1z")
		})
	}
}

// busy tells whether a run ends as it has to while another one writes the file: with one line.
func busy(p *launch.Process) bool {
	code, said := p.Wait(), p.Stderr.String()
	return code == int(codes.Aborted) && strings.Count(said, "\n") == 1 && strings.Contains(said, "another run is writing sync.c1z")
}

func TestSyncsOfOneFileAtATime(t *testing.T) {
	t.Parallel()
	f, _, w := good(t)
	first, release := held(w, f, 5)
	for range 4 {
		if p := f.Start(); !busy(p) {
			t.Errorf("exit code %d, the run says %q", p.Wait(), p.Stderr.String())
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
		synced := 0
		for _, p := range running {
			if p.Wait() == 0 {
				synced++
			} else if !busy(p) {
				t.Errorf("round %d: exit code %d, the run says %q", round, p.Wait(), p.Stderr.String())
			}
		}
		if synced == 0 {
			t.Errorf("round %d: no run has synced", round)
		}
		f.Holds(w.Users())
		holdsOnly(t, f.Dir, "sync.c1z")
	}
}

func TestASyncKilledAtAnyMomentLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	for at := range 10 {
		t.Run(fmt.Sprintf("at request %d", at+1), func(t *testing.T) {
			t.Parallel()
			f, content, w := good(t)
			killed(t, w, f, at)
			unchanged(t, f, content)
			f.Syncs(w.Users())
			holdsOnly(t, f.Dir, "sync.c1z")
		})
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

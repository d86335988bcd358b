//go:build unix

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// The file of an earlier sync is somebody's picture of who has access.

// alone fails the test unless a folder holds its file and nothing else.
func alone(t *testing.T, f *launch.Folder) {
	t.Helper()
	entries, err := os.ReadDir(f.Dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(f.File) {
		t.Errorf("the folder holds %v (%v), want the file alone", entries, err)
	}
}

// good returns a folder with the file of a sync, what is in it, and the workspace, whose
// users have changed since.
func good(t *testing.T, users int) (*launch.Folder, []byte, *faults.Workspace) {
	t.Helper()
	w := faults.Serve(t, sim.Config{Users: users})
	f := launch.NewFolder(t, w)
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
	alone(t, f)
}

func TestASyncThatFailsLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule faults.Rule
		args []string
		code codes.Code
		says string
	}{
		"at the start":          {rule: faults.Rule{Fault: faults.Named("401")}, code: codes.Unauthenticated, says: "sync.c1z is as it was"},
		"midway":                {rule: faults.Rule{Fault: faults.Named("403"), Operations: []faults.Operation{faults.List}, After: 3}, code: codes.PermissionDenied, says: "sync.c1z is as it was"},
		"over a misspelt type":  {args: []string{"--sync-resource-types", "users"}, code: codes.InvalidArgument, says: "there is no resource type users: the types are user and role"},
		"over one of two types": {args: []string{"--sync-resource-types", "user,roles"}, code: codes.InvalidArgument, says: "no resource type roles"},
		"over a type to target": {args: []string{"--sync-resources", "bid:r:users/u"}, code: codes.InvalidArgument, says: "no resource type users"},
		"over an ID to target":  {args: []string{"--sync-resources", "user:u"}, code: codes.InvalidArgument, says: "takes IDs such as bid:r:user/ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, content, w := good(t, 500)
			if test.rule.Fault.Name != "" {
				w.Set(test.rule)
			}
			f.Fail(test.code, test.says, test.args...)
			unchanged(t, f, content)
			w.Set()
			f.Syncs(w.Users())
			alone(t, f)
		})
	}
}

func TestAFirstSyncThatFailsWritesNothing(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	w.Set(faults.Rule{Fault: faults.Named("403"), Operations: []faults.Operation{faults.List}, After: 2})
	f.Fail(codes.PermissionDenied, "nothing was written")
	if entries, err := os.ReadDir(f.Dir); err != nil || len(entries) != 0 {
		t.Errorf("the folder holds %v (%v)", entries, err)
	}
}

// A sync does not go on with what an earlier one has read: somebody may have left since.
func TestASyncAfterOneThatFailedBeginsAnew(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"pebble", "sqlite"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, sim.Config{Users: 500})
			f := launch.NewFolder(t, w)
			f.Env = append(f.Env, "BATON_STORAGE_ENGINE="+engine)
			f.Succeed()
			w.Set(faults.Rule{Fault: faults.Named("403"), Operations: []faults.Operation{faults.List}, After: 4})
			f.Fail(codes.PermissionDenied, "is as it was")
			w.Set()
			w.Remove(w.Users()[0].ID)
			f.Syncs(w.Users())
		})
	}
}

func TestSyncsOfOneFileAtATime(t *testing.T) {
	t.Parallel()
	f, _, w := good(t, 1000)
	for round := range 10 {
		var mu sync.Mutex
		ended := map[int]int{}
		var all sync.WaitGroup
		for range 5 {
			p := f.Start()
			all.Go(func() {
				code := p.Wait()
				mu.Lock()
				defer mu.Unlock()
				ended[code]++
				if said := p.Stderr.String(); code == int(codes.Aborted) && (strings.Count(said, "\n") != 1 || !strings.Contains(said, "another run is writing sync.c1z")) {
					t.Errorf("the refused run says %q", said)
				}
			})
		}
		all.Wait()
		if ended[0] == 0 || ended[0]+ended[int(codes.Aborted)] != 5 {
			t.Errorf("round %d: runs by exit code: %v", round, ended)
		}
		f.Holds(w.Users())
		alone(t, f)
	}
}

func TestASyncKilledAtAnyMomentLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 10; at++ {
		t.Run(fmt.Sprintf("at request %d", at), func(t *testing.T) {
			t.Parallel()
			f, content, w := good(t, 900)
			hold, release := faults.Hold()
			w.Set(faults.Rule{Fault: hold, After: at - 1, Times: 1})
			p := f.Start()
			p.Until(w.Struck())
			if err := p.Cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			release()
			p.Wait()
			if now, err := os.ReadFile(f.File); err != nil || !bytes.Equal(now, content) {
				t.Errorf("the file has changed: %v", err)
			}
			f.Syncs(w.Users())
			alone(t, f)
		})
	}
}

func TestASymbolicLinkStaysOneAndItsTargetIsNew(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	link := filepath.Join(f.Dir, "latest.c1z")
	if err := os.Symlink("november.c1z", link); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f.Succeed("-f", "latest.c1z")
		if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("the link has become %v, %v", info, err)
		}
		f.File = filepath.Join(f.Dir, "november.c1z")
		f.Holds(w.Users())
		w.Remove(w.Users()[0].ID)
	}
}

func TestWhatIsNoFileIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	f := unasked(t)
	fifo := filepath.Join(f.Dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{os.DevNull, "fifo", "."} {
		f.Fail(codes.InvalidArgument, name+" is no regular file", "-f", name)
	}
	if info, err := os.Lstat(fifo); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("the FIFO has become %v, %v", info, err)
	}
}

func TestTheFileIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	f, _, _ := good(t, 12)
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

func TestADamagedFileIsNamed(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"a half": func(b []byte) []byte { return b[:len(b)/2] },
		"zeros":  func(b []byte) []byte { return make([]byte, len(b)) },
		"text":   func([]byte) []byte { return []byte("who has which access\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, content, _ := good(t, 12)
			damaged := damage(content)
			if err := os.WriteFile(f.File, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			f.Fail(codes.FailedPrecondition, "sync.c1z is damaged, or is no .c1z file")
			unchanged(t, f, damaged)
		})
	}
}

// TestAFullFolderEndsASync needs root, and the right to mount, as above.
func TestAFullFolderEndsASync(t *testing.T) {
	small := t.TempDir()
	if err := mountSmall(small); err != nil {
		t.Skipf("nobody here can mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(small); err != nil {
			t.Error(err)
		}
	})
	w := faults.Serve(t, sim.Config{Users: 300})
	for name, args := range map[string][]string{
		"of the file":            {"-f", filepath.Join(small, "sync.c1z")},
		"of the temporary files": {"--c1z-temp-dir", small},
	} {
		t.Run(name, func(t *testing.T) {
			f := launch.NewFolder(t, w)
			f.Fail(codes.ResourceExhausted, "no space left in "+small, args...)
			f.Fail(codes.ResourceExhausted, "nothing was written", args...)
			for _, dir := range []string{f.Dir, small} {
				if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
					t.Errorf("%s holds %v (%v)", dir, entries, err)
				}
			}
		})
	}
}

func TestAFileThatCannotBeWrittenIsNamed(t *testing.T) {
	t.Parallel()
	f := unasked(t)
	blocked := filepath.Join(f.Dir, "blocked.c1z")
	if err := errors.Join(os.WriteFile(blocked+".part", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	f.Fail(codes.FailedPrecondition, "blocked.c1z cannot be written, and stays as it is", "-f", "blocked.c1z")
}

//go:build unix

package draft

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// begun returns a draft of a file, which is discarded with the test.
func begun(t *testing.T, name string) *Draft {
	t.Helper()
	d, err := Begin(name, "")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// holds fails the test unless a file holds a text, for its owner alone.
func holds(t *testing.T, path, text string) {
	t.Helper()
	content, err := os.ReadFile(path)
	info, statErr := os.Stat(path)
	if err != nil || statErr != nil || string(content) != text || info.Mode().Perm() != 0o600 {
		t.Errorf("%s holds %q, %v, %v", path, content, info, err)
	}
}

// only fails the test unless a folder holds these entries and nothing else.
func only(t *testing.T, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != len(names) {
		t.Errorf("%s holds %v, want %v (%v)", folder, entries, names, err)
	}
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestADraftTakesThePlaceOfItsTargetWhenItIsCommitted(t *testing.T) {
	for name, before := range map[string]string{"a new file": "", "a file that was there": "old"} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			target := filepath.Join(folder, "a.c1z")
			fate := "nothing was written"
			if before != "" {
				write(t, target, before)
				fate = target + " is as it was"
			}
			d := begun(t, target)
			if d.Fate() != fate {
				t.Errorf("%q, want %q", d.Fate(), fate)
			}
			write(t, d.Path(), "new")
			if err := errors.Join(os.Chmod(d.Path(), 0o644), d.Commit(), d.Discard()); err != nil {
				t.Fatal(err)
			}
			holds(t, target, "new")
			only(t, folder, "a.c1z")
		})
	}
}

func TestADiscardedDraftLeavesItsTargetAlone(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(folder, "a.c1z")
	write(t, target, "old")
	d := begun(t, target)
	write(t, d.Path(), "half")
	write(t, filepath.Join(d.TempFolder(), "working"), "x")
	if err := d.Discard(); err != nil {
		t.Fatal(err)
	}
	holds(t, target, "old")
	only(t, folder, "a.c1z")
}

func TestASymbolicLinkStaysOneAndItsTargetIsNew(t *testing.T) {
	for name, exists := range map[string]bool{"to a file": true, "to no file yet": false} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			target, link, second := filepath.Join(folder, "november.c1z"), filepath.Join(folder, "latest.c1z"), filepath.Join(folder, "newest.c1z")
			if err := errors.Join(os.Symlink("november.c1z", link), os.Symlink(link, second)); err != nil {
				t.Fatal(err)
			}
			if exists {
				write(t, target, "old")
			}
			d := begun(t, second)
			write(t, d.Path(), "new")
			if err := errors.Join(d.Commit(), d.Discard()); err != nil {
				t.Fatal(err)
			}
			holds(t, target, "new")
			only(t, folder, "november.c1z", "latest.c1z", "newest.c1z")
			for _, path := range []string{link, second} {
				if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSymlink {
					t.Errorf("%s is no link any more: %v, %v", path, info, err)
				}
			}
		})
	}
}

func TestAFileThatCannotBeWrittenIsRefusedAndLeftAlone(t *testing.T) {
	folder := t.TempDir()
	loop, blocked, fifo := filepath.Join(folder, "loop"), filepath.Join(folder, "blocked"), filepath.Join(folder, "fifo")
	if err := errors.Join(os.Symlink(loop, loop), mkfifo(fifo)); err != nil {
		t.Fatal(err)
	}
	write(t, blocked+folderSuffix, "a file in the place of the folder")
	for name, want := range map[string]codes.Code{
		os.DevNull: codes.InvalidArgument, folder: codes.InvalidArgument, fifo: codes.InvalidArgument, loop: codes.InvalidArgument,
		filepath.Join(folder, "missing", "a.c1z"): codes.InvalidArgument, blocked: codes.FailedPrecondition, "": codes.InvalidArgument,
		folder + "/": codes.InvalidArgument,
	} {
		if _, err := Begin(name, ""); status.Code(err) != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	only(t, folder, "loop", "fifo", "blocked"+folderSuffix)
}

func TestOneDraftOfAFileAtATime(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(folder, "a.c1z")
	if err := os.Symlink(target, filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	d := begun(t, target)
	for _, name := range []string{target, filepath.Join(folder, "link")} {
		if _, err := Begin(name, ""); status.Code(err) != codes.Aborted {
			t.Errorf("%s: %v, want Aborted", name, err)
		}
	}
	other := begun(t, filepath.Join(folder, "b.c1z"))
	if err := errors.Join(d.Discard(), other.Discard(), begun(t, target).Discard()); err != nil {
		t.Error(err)
	}
}

// What somebody else has put where the private folder goes is theirs.
func TestAFolderOfSomebodyElseIsLeftAlone(t *testing.T) {
	theirs := t.TempDir()
	write(t, filepath.Join(theirs, "diary"), "x")
	for name, make := range map[string]func(string) error{
		"a link to a folder": func(path string) error { return os.Symlink(theirs, path) },
		"a folder with files": func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "diary"), []byte("x"), 0o600))
		},
		"a folder for everybody": func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777)) },
		"a file":                 func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := make(filepath.Join(folder, "a.c1z.part")); err != nil {
				t.Fatal(err)
			}
			_, err := Begin(filepath.Join(folder, "a.c1z"), "")
			if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "a.c1z.part is in the way") {
				t.Errorf("%v", err)
			}
			only(t, folder, "a.c1z.part")
			only(t, theirs, "diary")
		})
	}
}

// Whoever loses the race for a lock that is being removed must not hold one that nobody
// else sees.
func TestDraftsThatBeginWhileOthersEndNeverOverlap(t *testing.T) {
	target := filepath.Join(t.TempDir(), "a.c1z")
	var writing, done atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for done.Load() < 300 {
				d, err := Begin(target, "")
				if status.Code(err) == codes.Aborted {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if writing.Add(1) > 1 {
					t.Error("two at once")
				}
				done.Add(1)
				writing.Add(-1)
				if err := d.Discard(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	only(t, filepath.Dir(target))
}

func TestTheNextDraftRemovesWhatAKilledOneHasLeft(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	target := filepath.Join(folder, "a.c1z")
	killed, err := Begin(target, elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{killed.Path(), filepath.Join(killed.TempFolder(), "working")} {
		write(t, left, "left")
	}
	if err := killed.lock.Close(); err != nil { // as the kernel does
		t.Fatal(err)
	}
	d := begun(t, target) // also where the temporary files are somewhere else now
	only(t, d.TempFolder(), lockName)
	only(t, elsewhere)
	if err := d.Discard(); err != nil {
		t.Fatal(err)
	}
	only(t, folder)
}

func TestFilesOfOneNameInTwoFoldersDoNotShareTheirTemporaryFiles(t *testing.T) {
	elsewhere, seen := t.TempDir(), map[string]bool{}
	for range 2 {
		t.Chdir(t.TempDir())
		d, err := Begin("a.c1z", elsewhere)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := d.Discard(); err != nil {
				t.Error(err)
			}
		})
		if seen[d.TempFolder()] {
			t.Errorf("both use %s", d.TempFolder())
		}
		seen[d.TempFolder()] = true
	}
}

func TestAFolderForTemporaryFilesThatIsNotThereIsNamed(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "file"), "x")
	for _, name := range []string{"missing", "file"} {
		_, err := Begin(filepath.Join(folder, "a.c1z"), filepath.Join(folder, name))
		if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "no folder for working files") || strings.Contains(err.Error(), "is left") {
			t.Errorf("%v", err)
		}
	}
	only(t, folder, "file")
}

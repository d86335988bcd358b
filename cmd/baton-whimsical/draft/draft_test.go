//go:build unix

package draft

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
	"github.com/conductorone/baton-sdk/pkg/dotc1z/c1zstore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ok ends the test unless all errors are nil.
func ok(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// begun returns a draft of a file, which the test has to discard.
func begun(t *testing.T, name string) *Draft {
	t.Helper()
	d, err := Begin(name, "")
	ok(t, err)
	return d
}

func write(t *testing.T, path, text string) {
	t.Helper()
	ok(t, os.WriteFile(path, []byte(text), 0o600))
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

// only fails the test unless a folder holds these entries, which are sorted, and nothing else.
func only(t *testing.T, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	same := func(entry fs.DirEntry, name string) bool { return entry.Name() == name }
	if err != nil || !slices.EqualFunc(entries, names, same) {
		t.Errorf("%s holds %v, want %v (%v)", folder, entries, names, err)
	}
}

func TestADraftTakesThePlaceOfItsTargetWhenItIsCommitted(t *testing.T) {
	for name, before := range map[string]string{"a new file": "", "a file that was there": "old"} {
		for _, committed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, committed: %t", name, committed), func(t *testing.T) {
				folder := t.TempDir()
				target := filepath.Join(folder, "a.c1z")
				fate, left := "nothing was written", []string(nil)
				if before != "" {
					write(t, target, before)
					fate, left = target+" is as it was", []string{"a.c1z"}
				}
				d := begun(t, target)
				if d.Fate() != fate {
					t.Errorf("%q, want %q", d.Fate(), fate)
				}
				write(t, d.Path(), "new")
				write(t, filepath.Join(d.TempFolder(), "working"), "x")
				after := before
				if committed {
					ok(t, os.Chmod(d.Path(), 0o644), d.Commit())
					after, left = "new", []string{"a.c1z"}
				}
				ok(t, d.Discard())
				if after != "" {
					holds(t, target, after)
				}
				only(t, folder, left...)
			})
		}
	}
}

func TestASymbolicLinkStaysOneAndItsTargetIsNew(t *testing.T) {
	for name, exists := range map[string]bool{"to a file": true, "to no file yet": false} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			target, link, second := filepath.Join(folder, "november.c1z"), filepath.Join(folder, "latest.c1z"), filepath.Join(folder, "newest.c1z")
			ok(t, os.Symlink("november.c1z", link), os.Symlink(link, second))
			if exists {
				write(t, target, "old")
			}
			d := begun(t, second)
			write(t, d.Path(), "new")
			ok(t, d.Commit(), d.Discard())
			holds(t, target, "new")
			only(t, folder, "latest.c1z", "newest.c1z", "november.c1z")
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
	ok(t, os.Symlink(loop, loop), syscall.Mkfifo(fifo, 0o600))
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
	only(t, folder, "blocked"+folderSuffix, "fifo", "loop")
}

func TestOneDraftOfAFileAtATime(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(folder, "a.c1z")
	ok(t, os.Symlink(target, filepath.Join(folder, "link")))
	d := begun(t, target)
	for _, name := range []string{target, filepath.Join(folder, "link")} {
		if _, err := Begin(name, ""); status.Code(err) != codes.Aborted {
			t.Errorf("%s: %v, want Aborted", name, err)
		}
	}
	ok(t, begun(t, filepath.Join(folder, "b.c1z")).Discard(), d.Discard(), begun(t, target).Discard())
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
			ok(t, make(filepath.Join(folder, "a.c1z.part")))
			_, err := Begin(filepath.Join(folder, "a.c1z"), "")
			if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "a.c1z.part is in the way") {
				t.Errorf("%v", err)
			}
			only(t, folder, "a.c1z.part")
			only(t, theirs, "diary")
		})
	}
}

// Whoever loses the race for a lock that is being removed must not hold one that nobody else sees.
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
	ok(t, err)
	for _, left := range []string{killed.Path(), filepath.Join(killed.TempFolder(), "working")} {
		write(t, left, "left")
	}
	ok(t, killed.lock.Close()) // as the kernel does
	d := begun(t, target)      // also where the temporary files are somewhere else now
	only(t, d.TempFolder(), lockName)
	only(t, elsewhere)
	ok(t, d.Discard())
	only(t, folder)
}

func TestFilesOfOneNameInTwoFoldersDoNotShareTheirTemporaryFiles(t *testing.T) {
	elsewhere, drafts := t.TempDir(), [2]*Draft{}
	for i := range drafts {
		t.Chdir(t.TempDir())
		var err error
		drafts[i], err = Begin("a.c1z", elsewhere)
		ok(t, err)
	}
	if one := drafts[0].TempFolder(); one == drafts[1].TempFolder() {
		t.Errorf("both use %s", one)
	}
	ok(t, drafts[0].Discard(), drafts[1].Discard())
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

// synced writes a file with a sync that ended, and perhaps one that did not.
func synced(t *testing.T, path string, engine c1zstore.Engine, unfinished bool) {
	t.Helper()
	ctx := t.Context()
	store, err := dotc1z.NewStore(ctx, path, dotc1z.WithEngine(engine), dotc1z.WithTmpDir(t.TempDir()))
	ok(t, err)
	_, err = store.StartNewSync(ctx, connectorstore.SyncTypeFull, "")
	if err = errors.Join(err, store.EndSync(ctx)); err == nil && unfinished {
		_, err = store.StartNewSync(ctx, connectorstore.SyncTypeFull, "")
	}
	ok(t, err, store.Close(ctx))
}

func TestADraftBeginsWithTheEarlierSyncsWhereTheStorageEngineKeepsThem(t *testing.T) {
	for name, test := range map[string]struct {
		is, asked  c1zstore.Engine
		unfinished bool
		copied     bool
	}{
		"SQLite":                               {c1zstore.EngineSQLite, "", false, true},
		"SQLite, asked for again":              {c1zstore.EngineSQLite, c1zstore.EngineSQLite, false, true},
		"SQLite, with a sync that did not end": {c1zstore.EngineSQLite, "", true, true},
		"SQLite, where Pebble is asked for":    {c1zstore.EngineSQLite, c1zstore.EnginePebble, false, false},
		"an empty file":                        {"", "", false, false},
		"Pebble":                               {c1zstore.EnginePebble, "", false, false},
		"Pebble, where SQLite is asked for":    {c1zstore.EnginePebble, c1zstore.EngineSQLite, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "a.c1z")
			if write(t, target, ""); test.is != "" {
				synced(t, target, test.is, test.unfinished)
			}
			d := begun(t, target)
			ctx, stop, err := d.Prepare(t.Context(), test.asked)
			ok(t, err)
			ok(t, ctx.Err())
			stop()
			if _, err := os.Stat(d.Path()); (err == nil) != test.copied {
				t.Errorf("copied: %v, want %t", err, test.copied)
			}
			if test.copied {
				if runs := runsIn(t.Context(), t, d.Path()); len(runs) != 1 || runs[0].EndedAt == nil {
					t.Errorf("the draft holds the syncs %v", runs)
				}
			}
			ok(t, d.Discard())
		})
	}
}

func runsIn(ctx context.Context, t *testing.T, path string) []*c1zstore.SyncRun {
	t.Helper()
	store, err := dotc1z.NewStore(ctx, path, dotc1z.WithReadOnly(true), dotc1z.WithTmpDir(t.TempDir()))
	ok(t, err)
	sqlite, _ := dotc1z.AsSQLiteStore(store)
	runs, _, err := sqlite.ListSyncRuns(ctx, "", 0)
	ok(t, err, store.Close(ctx))
	return runs
}

func TestADamagedFileIsNamed(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole.c1z")
	synced(t, whole, c1zstore.EnginePebble, false)
	content, err := os.ReadFile(whole)
	ok(t, err)
	for name, text := range map[string][]byte{
		"zeros": make([]byte, 4096), "text": []byte("notes of mine"), "one byte": {'C'},
		"a half": content[:len(content)/2], "a head": content[:5], "all but the end": content[:len(content)-20],
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			target := filepath.Join(folder, "a.c1z")
			write(t, target, string(text))
			d := begun(t, target)
			_, _, err := d.Prepare(t.Context(), "")
			if said := status.Convert(err); said.Code() != codes.FailedPrecondition ||
				!strings.Contains(said.Message(), target+" is damaged, or is no .c1z file") || !strings.Contains(said.Message(), "delete it, or name another file") {
				t.Errorf("%v", err)
			}
			ok(t, d.Discard())
			if left, err := os.ReadFile(target); err != nil || !bytes.Equal(left, text) {
				t.Errorf("the file has changed: %v", err)
			}
			only(t, folder, "a.c1z")
		})
	}
}

//go:build unix

package draft

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
	"github.com/conductorone/baton-sdk/pkg/dotc1z/c1zstore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func mkfifo(path string) error { return syscall.Mkfifo(path, 0o600) }

// synced writes a file with a sync that ended, and perhaps one that did not.
func synced(t *testing.T, path string, engine c1zstore.Engine, unfinished bool) {
	t.Helper()
	ctx := t.Context()
	store, err := dotc1z.NewStore(ctx, path, dotc1z.WithEngine(engine), dotc1z.WithTmpDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.StartNewSync(ctx, connectorstore.SyncTypeFull, "")
	if err = errors.Join(err, store.EndSync(ctx)); err == nil && unfinished {
		_, err = store.StartNewSync(ctx, connectorstore.SyncTypeFull, "")
	}
	if err = errors.Join(err, store.Close(ctx)); err != nil {
		t.Fatal(err)
	}
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
		"Pebble":                               {c1zstore.EnginePebble, "", false, false},
		"Pebble, where SQLite is asked for":    {c1zstore.EnginePebble, c1zstore.EngineSQLite, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "a.c1z")
			synced(t, target, test.is, test.unfinished)
			d := begun(t, target)
			_, stop, err := d.Prepare(t.Context(), test.asked)
			if err != nil {
				t.Fatal(err)
			}
			stop()
			if _, err := os.Stat(d.Path()); (err == nil) != test.copied {
				t.Errorf("copied: %v, want %t", err, test.copied)
			}
			if test.copied {
				if runs := runsIn(t.Context(), t, d.Path()); len(runs) != 1 || runs[0].EndedAt == nil {
					t.Errorf("the draft holds the syncs %v", runs)
				}
			}
			if err := d.Discard(); err != nil {
				t.Error(err)
			}
		})
	}
}

func runsIn(ctx context.Context, t *testing.T, path string) []*c1zstore.SyncRun {
	t.Helper()
	store, err := dotc1z.NewStore(ctx, path, dotc1z.WithReadOnly(true), dotc1z.WithTmpDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	sqlite, _ := dotc1z.AsSQLiteStore(store)
	runs, _, err := sqlite.ListSyncRuns(ctx, "", 0)
	if err = errors.Join(err, store.Close(ctx)); err != nil {
		t.Fatal(err)
	}
	return runs
}

func TestADamagedFileIsNamed(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole.c1z")
	synced(t, whole, c1zstore.EnginePebble, false)
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
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
			if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), target+" is damaged, or is no .c1z file") || !strings.Contains(err.Error(), "delete it, or name another file") {
				t.Errorf("%v", err)
			}
			if err := d.Discard(); err != nil {
				t.Error(err)
			}
			if left, err := os.ReadFile(target); err != nil || !bytes.Equal(left, text) {
				t.Errorf("the file has changed: %v", err)
			}
			only(t, folder, "a.c1z")
		})
	}
}

func TestAnEmptyFileIsANewOne(t *testing.T) {
	target := filepath.Join(t.TempDir(), "a.c1z")
	write(t, target, "")
	d := begun(t, target)
	ctx, stop, err := d.Prepare(t.Context(), "")
	if err != nil || ctx.Err() != nil {
		t.Fatal(err, ctx)
	}
	stop()
	if err := d.Discard(); err != nil {
		t.Error(err)
	}
}

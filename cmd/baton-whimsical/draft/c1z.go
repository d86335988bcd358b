package draft

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/conductorone/baton-sdk/pkg/dotc1z"
	"github.com/conductorone/baton-sdk/pkg/dotc1z/c1zstore"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// Prepare makes the draft ready for a sync with a storage engine, "" for the default one.
// It returns a context that ends, with ResourceExhausted as its cause, once less than 16
// MiB are free in a folder of the draft, and a function that ends that watch.
//
// Where the target keeps earlier syncs (SQLite does), the draft begins as a copy of it, but
// for syncs that did not end: the SDK would go on with one. Prepare fails with
// FailedPrecondition where the target is no .c1z file, or a damaged one.
func (d *Draft) Prepare(ctx context.Context, engine c1zstore.Engine) (context.Context, context.CancelFunc, error) {
	if err := d.continueTarget(ctx, engine); err != nil {
		return nil, nil, err
	}
	watched, stop := watchSpace(ctx, d.folder, d.temp)
	return watched, stop, nil
}

func (d *Draft) continueTarget(ctx context.Context, engine c1zstore.Engine) error {
	info, err := os.Stat(d.target)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	store, err := dotc1z.NewStore(ctx, d.target, dotc1z.WithReadOnly(true), dotc1z.WithTmpDir(d.temp))
	_, keeps := dotc1z.AsSQLiteStore(store)
	if err == nil {
		err = store.Close(ctx)
	}
	if errors.Is(err, fs.ErrPermission) {
		return whimsical.Errorf(codes.FailedPrecondition, "%s cannot be read, and stays as it is: %v", d.name, err)
	}
	if err != nil {
		return whimsical.Errorf(codes.FailedPrecondition, "%s is damaged, or is no .c1z file (%v): delete it, or name another file with --file", d.name, err)
	}
	if !keeps || engine == c1zstore.EnginePebble {
		return nil
	}
	content, err := os.ReadFile(d.target)
	if err == nil {
		err = os.WriteFile(d.Path(), content, 0o600) //nolint:gosec // a name in the private folder
	}
	if err != nil {
		return fmt.Errorf("%s cannot be copied: %w", d.name, err)
	}
	return dropUnfinished(ctx, d.Path(), d.temp)
}

func dropUnfinished(ctx context.Context, path, temp string) error {
	store, err := dotc1z.NewStore(ctx, path, dotc1z.WithTmpDir(temp))
	if err != nil {
		return err
	}
	sqlite, _ := dotc1z.AsSQLiteStore(store)
	runs, _, err := sqlite.ListSyncRuns(ctx, "", 0)
	for _, run := range runs {
		if run.EndedAt == nil {
			err = errors.Join(err, sqlite.DeleteSyncRun(ctx, run.ID))
		}
	}
	return errors.Join(err, store.Close(ctx))
}

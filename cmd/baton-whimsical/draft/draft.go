// Package draft writes a file that takes the place of another one when it is whole, and
// leaves that one alone until then.
//
//	d, err := draft.Begin("sync.c1z", "")
//	defer d.Discard()
//	// write d.Path()
//	err = d.Commit()
//
// The work is done in a private folder beside the target, sync.c1z.part, which holds a lock for as long as it
// lasts. The lock is no lock of the target itself, since a rename would leave it on a file that nobody sees.
// What a killed process leaves in the folder is removed by the next one.
package draft

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"github.com/conductorone/baton-sdk/pkg/tempdir"
	"github.com/gofrs/flock"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

const (
	folderSuffix = ".part"
	lockName     = "lock"
	tempNote     = "temporary-files"
	// maxTries bounds how often a lock is lost to somebody who removes it.
	maxTries = 100
	// maxLinks bounds how many symbolic links lead to a target.
	maxLinks = 40
)

// Draft is a file that is being written.
type Draft struct {
	// name is the target as the caller calls it, target is where it is.
	name, target string
	// folder is the private folder, temp the one for temporary files: the same, or one elsewhere.
	folder, temp string
	lock         *flock.Flock
	replaces     bool
}

// Begin starts a draft of the file with the given name. Symbolic links are followed, so
// that a link stays one. Temporary files are kept in the draft's own folder, unless
// tempParent or BATON_TMPDIR names one in which to make a folder for them.
//
// Begin fails, and leaves everything as it is, with InvalidArgument where the name cannot be
// that of a file, with Aborted while another draft of the same file is being written, and
// with FailedPrecondition where a folder cannot be written to.
func Begin(name, tempParent string) (*Draft, error) {
	if name == "" {
		return nil, whimsical.Errorf(codes.InvalidArgument, "the file has no name: give it one with --file")
	}
	target, err := resolve(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(target)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, whimsical.Errorf(codes.InvalidArgument, "%s is no regular file, and stays as it is: name another file", name)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, whimsical.Errorf(codes.FailedPrecondition, "%s cannot be used: %v", name, err)
	}
	d := &Draft{name: name, target: target, folder: target + folderSuffix, replaces: err == nil}
	held := false
	for range maxTries {
		if held, err = d.hold(); err != nil {
			return nil, err
		}
		if held {
			break
		}
	}
	if !held {
		return nil, whimsical.Errorf(codes.Aborted, "other runs are writing %s at the moment: wait until they have ended", name)
	}
	if err := errors.Join(d.clear(), d.makeTemp(tempParent)); err != nil {
		return nil, errors.Join(whimsical.Errorf(codes.FailedPrecondition, "no folder for working files, so %s stays as it is: %v", name, err), d.Discard())
	}
	return d, nil
}

// resolve returns the absolute path of a file, behind the symbolic links that its name ends
// in, also where it does not exist yet.
func resolve(name string) (string, error) {
	target, err := filepath.Abs(name)
	if err != nil {
		return "", whimsical.Errorf(codes.InvalidArgument, "--file cannot be used: %v", err)
	}
	for range maxLinks {
		folder, err := filepath.EvalSymlinks(filepath.Dir(target))
		if err != nil {
			return "", whimsical.Errorf(codes.InvalidArgument, "--file names a folder that cannot be used: %v", err)
		}
		target = filepath.Join(folder, filepath.Base(target))
		next, _ := os.Readlink(target)
		if next == "" { // it is no link
			return target, nil
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(folder, next)
		}
		target = next
	}
	return "", whimsical.Errorf(codes.InvalidArgument, "%s is a symbolic link that leads nowhere", name)
}

// hold makes the folder and takes its lock. It reports false where somebody has removed
// the folder meanwhile: then the lock is one that nobody else sees.
func (d *Draft) hold() (bool, error) {
	err := os.Mkdir(d.folder, 0o700)
	if errors.Is(err, fs.ErrExist) {
		err = isOurs(d.folder)
	}
	if err != nil {
		return false, whimsical.Errorf(codes.FailedPrecondition, "%s cannot be written, and stays as it is: %v", d.name, err)
	}
	d.lock = flock.New(filepath.Join(d.folder, lockName), flock.SetPermissions(0o600))
	locked, err := d.lock.TryLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, whimsical.Errorf(codes.FailedPrecondition, "%s cannot be written, and stays as it is: %v", d.name, err)
	case !locked:
		return false, whimsical.Errorf(codes.Aborted, "another run is writing %s at the moment: wait until it has ended", d.name)
	}
	mine, err := d.lock.Stat()
	if err != nil {
		return false, errors.Join(whimsical.Errorf(codes.FailedPrecondition, "the lock of %s cannot be read: %v", d.name, err), d.lock.Close())
	}
	seen, err := os.Stat(d.lock.Path())
	if err != nil || !os.SameFile(mine, seen) {
		return false, d.lock.Close()
	}
	return true, nil
}

// isOurs fails where somebody else made the folder: nothing may be removed there. A draft's folder is
// private, and holds the lock unless it is empty.
func isOurs(folder string) error {
	info, err := os.Lstat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its holder has just removed it
	}
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	private := info.Mode().Perm()&0o077 == 0 || runtime.GOOS == "windows"
	locked := slices.ContainsFunc(entries, func(entry fs.DirEntry) bool { return entry.Name() == lockName && entry.Type().IsRegular() })
	if !info.IsDir() || !private || err == nil && len(entries) > 0 && !locked {
		return fmt.Errorf("%s is in the way: move it elsewhere", folder)
	}
	return nil
}

// makeTemp makes the folder for temporary files. One that is elsewhere is noted in the
// draft's own folder, so that the next draft removes it where this process is killed.
func (d *Draft) makeTemp(parent string) error {
	d.temp = d.folder
	if parent == "" && os.Getenv(tempdir.EnvVar) == "" {
		return nil
	}
	temp, err := filepath.Abs(filepath.Join(tempdir.Resolve(parent), d.tempName()))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.folder, tempNote), []byte(temp), 0o600); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(temp), os.Mkdir(temp, 0o700)); err != nil {
		return errors.Join(err, os.Remove(filepath.Join(d.folder, tempNote)))
	}
	d.temp = temp
	return nil
}

// tempName returns the name of a folder for temporary files elsewhere.
func (d *Draft) tempName() string {
	return fmt.Sprintf("baton-whimsical-%.12x", sha256.Sum256([]byte(d.target)))
}

// clear removes everything in the folders but the lock.
func (d *Draft) clear() error {
	var err error
	if elsewhere, readErr := os.ReadFile(filepath.Join(d.folder, tempNote)); readErr == nil && filepath.Base(string(elsewhere)) == d.tempName() {
		err = os.RemoveAll(string(elsewhere)) //nolint:gosec // a note of a draft, in a folder that nobody else can write to
	}
	entries, readErr := os.ReadDir(d.folder)
	err = errors.Join(err, readErr)
	for _, entry := range entries {
		if entry.Name() != lockName {
			err = errors.Join(err, os.RemoveAll(filepath.Join(d.folder, entry.Name())))
		}
	}
	return err
}

// Path returns where the new file has to be when Commit is called.
func (d *Draft) Path() string { return filepath.Join(d.folder, filepath.Base(d.target)) }

// TempFolder returns the folder for temporary files, which goes with the draft.
func (d *Draft) TempFolder() string { return d.temp }

// Fate says what becomes of the target when the draft is discarded.
func (d *Draft) Fate() string {
	if d.replaces {
		return d.name + " is as it was"
	}
	return "nothing was written"
}

// Leftover says what becomes of the working files of a draft that is neither committed nor discarded.
func (d *Draft) Leftover() string {
	return "working files are left in " + d.folder + ", which the next sync removes"
}

// Failure returns the error of a draft that will not be committed: why, in words, and what
// becomes of the target. Its code is that of err, and ResourceExhausted on a full disk.
func (d *Draft) Failure(err error, why string) error {
	code := status.Code(err)
	if errors.Is(err, syscall.ENOSPC) {
		code = codes.ResourceExhausted
	}
	return whimsical.Errorf(code, "%s; %s", why, d.Fate())
}

// Commit puts the new file in the target's place, readable for its owner alone. The draft
// still has to be discarded.
func (d *Draft) Commit() error {
	err := os.Chmod(d.Path(), 0o600)
	if err == nil {
		err = os.Rename(d.Path(), d.target)
	}
	if err != nil {
		return whimsical.Errorf(codes.FailedPrecondition, "%s cannot be written, and stays as it is: %v", d.name, err)
	}
	return nil
}

// Discard removes the private folders with everything in them and gives the lock back.
func (d *Draft) Discard() error {
	err := d.clear()
	if runtime.GOOS == "windows" { // where an open file cannot be removed
		err = errors.Join(err, d.lock.Close())
	}
	// Another run may have opened the lock before it is removed. That run looks for it again (see hold), and may
	// own the folder by now.
	err = errors.Join(err, os.Remove(d.lock.Path()))
	switch left := os.Remove(d.folder); {
	case errors.Is(left, fs.ErrExist) && isOurs(d.folder) != nil:
		// The caller has not stopped writing: the lock tells the next draft that it may clear the folder.
		err = errors.Join(err, os.WriteFile(d.lock.Path(), nil, 0o600))
	case !errors.Is(left, fs.ErrExist) && !errors.Is(left, fs.ErrNotExist):
		err = errors.Join(err, left)
	}
	if err = errors.Join(err, d.lock.Close()); err != nil {
		return fmt.Errorf("%s is left, and can be deleted: %w", d.folder, err)
	}
	return nil
}

//go:build !windows

package draft

import "golang.org/x/sys/unix"

// space returns how many bytes are free in a folder for whoever runs this process.
func space(folder string) (uint64, error) {
	var stat unix.Statfs_t
	err := unix.Statfs(folder, &stat)
	return stat.Bavail * uint64(stat.Bsize), err //nolint:gosec // a block size is positive
}

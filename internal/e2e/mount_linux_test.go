package e2e

import "syscall"

// mountSmall mounts a file system of 8 MiB on a folder.
func mountSmall(folder string) error {
	return syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=8m,mode=700")
}

func unmount(folder string) error {
	return syscall.Unmount(folder, 0)
}

package draft

import "golang.org/x/sys/windows"

// space returns how many bytes are free in a folder for whoever runs this process.
func space(folder string) (uint64, error) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(name, &free, nil, nil)
	return free, err
}

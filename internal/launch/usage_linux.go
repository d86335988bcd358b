package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// PeakMemory samples the anonymous memory of the process and its children, of which
// the kernel keeps no peak, until all have ended. It returns the largest sum in bytes.
func (p *Process) PeakMemory() int64 {
	var peak int64
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-p.done:
			return peak
		case <-ticker.C:
			sum := anonymous(p.Cmd.Process.Pid)
			for _, child := range p.Children() {
				sum += anonymous(child)
			}
			peak = max(peak, sum)
		}
	}
}

// Children returns the ids of the processes that the process has started, any of
// whose threads may have done so.
func (p *Process) Children() []int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.Cmd.Process.Pid)) // the pattern is well formed
	var pids []int
	for _, path := range lists {
		list, _ := os.ReadFile(path) // of proc(5), unless the process has ended
		for _, field := range strings.Fields(string(list)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// anonymous returns a process's anonymous memory in bytes, 0 after its end.
func anonymous(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // see above
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	value, _, _ := strings.Cut(rest, "kB")
	kib, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	return kib << 10
}

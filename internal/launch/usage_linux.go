package launch

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process and its children have taken.
type Usage struct {
	// CPU is the time of each process.
	CPU map[int]time.Duration
	// PeakAnonymous is the largest sum of the anonymous memory of all of them, in
	// bytes, of which the kernel keeps no peak.
	PeakAnonymous int64
}

// Watch samples the process and its children until both have ended. What they take
// after the last sample is not seen: 10 ms at most.
func (p *Process) Watch() *Usage {
	u := &Usage{CPU: map[int]time.Duration{}}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-p.done:
			return u
		case <-ticker.C:
			u.sample(p)
		}
	}
}

func (u *Usage) sample(p *Process) {
	var sum int64
	for _, pid := range append(p.Children(), p.Cmd.Process.Pid) {
		if cpu, ok := cpuTime(pid); ok {
			u.CPU[pid] = cpu
		}
		sum += anonymous(pid)
	}
	u.PeakAnonymous = max(u.PeakAnonymous, sum)
}

// Children returns the ids of the processes that the process has started, any of
// whose threads may have done so. A file that cannot be read is that of one that has
// ended.
func (p *Process) Children() []int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.Cmd.Process.Pid)) // the pattern is well formed
	var pids []int
	for _, path := range lists {
		list, _ := os.ReadFile(path) //nolint:gosec // of proc(5)
		for _, field := range strings.Fields(string(list)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// cpuTime reads utime and stime of proc(5), in ticks of 10 ms.
func cpuTime(pid int) (time.Duration, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	// The second field, a name in parentheses, may hold spaces.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, false
	}
	user, _ := strconv.ParseInt(string(fields[11]), 10, 64) // numbers, by proc(5)
	system, _ := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, true
}

func anonymous(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // of one that has ended
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

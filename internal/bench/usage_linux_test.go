package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what a process and its children took.
type usage struct {
	cpu map[int]time.Duration
	// peakAnon is the largest sum of the anonymous memory of all of them, in
	// bytes.
	peakAnon int64
}

const samplePeriod = 10 * time.Millisecond

// watch samples a process and its children until done is closed. What a
// process takes after its last sample is not seen: 10 ms at most.
func watch(pid int, done <-chan struct{}) *usage {
	u := &usage{cpu: map[int]time.Duration{}}
	ticker := time.NewTicker(samplePeriod)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return u
		case <-ticker.C:
			var anon int64
			for _, p := range append(children(pid), pid) {
				if cpu, ok := cpuTime(p); ok {
					u.cpu[p] = cpu
				}
				anon += anonymous(p)
			}
			u.peakAnon = max(u.peakAnon, anon)
		}
	}
}

func (u *usage) total() time.Duration {
	var sum time.Duration
	for _, cpu := range u.cpu {
		sum += cpu
	}
	return sum
}

// children looks at every thread, any of which may have started a process. A file
// that cannot be read is that of one that has ended.
func children(pid int) []int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is well formed
	var pids []int
	for _, path := range lists {
		list, _ := os.ReadFile(path)
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
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, false
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, true
}

func anonymous(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(status), "\n") {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
)

// BenchmarkProcess runs the real binary and the floor's, turn about, and reports the medians: wall and CPU
// seconds and peak anonymous memory of both of its processes together, requests and file size. The ratios are
// those of the medians. The simulated workspace runs in this process.
//
//	go test ./internal/bench -run '^$' -bench Process -benchtime 5x -timeout 60m
func BenchmarkProcess(b *testing.B) {
	for _, users := range []int{1000, 10000, 100000} {
		for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
			b.Run(fmt.Sprintf("users=%d/latency=%s", users, latency), func(b *testing.B) {
				processes(b, users, latency)
			})
		}
	}
}

func processes(b *testing.B, users int, latency time.Duration) {
	b.Helper()
	url, requests := workspace(b, users, latency)
	var floors, runs []run
	b.ResetTimer()
	for range b.N {
		floors = append(floors, execute(b, os.Args[0], fmt.Sprintf("%s=%d", floorUsers, users)))
		runs = append(runs, execute(b, launch.Binary(b, launch.Connector), "BATON_WHIMSICAL_TOKEN="+leaks.Token, "BATON_BASE_URL="+url))
	}
	b.StopTimer()
	for unit := range runs[0] {
		own, bare := median(runs, unit), median(floors, unit)
		b.ReportMetric(own, unit)
		if name, _, _ := strings.Cut(unit, "-"); name != "file" {
			b.ReportMetric(bare, "floor-"+unit)
			b.ReportMetric(own/bare, "x-floor-"+name)
		}
	}
	b.ReportMetric(float64(requests.Load())/float64(b.N), "requests")
	b.ReportMetric(0, "ns/op") // floor and connector together: no figure
}

// run is what a run of a binary took, by unit.
type run map[string]float64

func execute(b *testing.B, path string, env ...string) run {
	b.Helper()
	dir := b.TempDir()
	started := time.Now()
	p := launch.Start(b, launch.Command{Path: path, Dir: dir, Env: append(env, "BATON_LOG_LEVEL=error")})
	peak := p.PeakMemory()
	wall := time.Since(started)
	if code := p.Wait(); code != 0 {
		b.Fatalf("exit code %d", code)
	}
	file, err := os.Stat(filepath.Join(dir, "sync.c1z"))
	if err != nil {
		b.Fatal(err)
	}
	// Of the floor, the second process counts only where the first one has waited for it.
	cpu := p.Cmd.ProcessState.UserTime() + p.Cmd.ProcessState.SystemTime()
	return run{
		"wall-s": wall.Seconds(), "cpu-s": cpu.Seconds(), "anon-MiB": float64(peak) / (1 << 20), "file-MiB": float64(file.Size()) / (1 << 20),
	}
}

// median takes the median of one figure.
func median(runs []run, unit string) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = r[unit]
	}
	slices.Sort(values)
	return values[len(values)/2]
}

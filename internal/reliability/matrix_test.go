//go:build unix

// Package reliability tests what the connector promises whatever the server and the network do; docs/reliability.md
// names the promises and their tests. The expected outcome of every fault in every operation is in matrix.md.
package reliability

import (
	_ "embed"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
)

func TestMain(m *testing.M) {
	os.Exit(launch.Main(m))
}

//go:embed matrix.md
var matrixFile string

// atATime is how many trials run at a time, by whether they move hundreds of megabytes: all mostly wait. Those whose
// client is impatient run when the others are done.
var atATime = map[bool]int{false: 256, true: 6}

func TestEveryFaultInEveryOperationEndsAsTheMatrixSays(t *testing.T) {
	t.Parallel()
	want := matrix(t)
	slots := map[bool]chan struct{}{}
	for large, trials := range atATime {
		slots[large] = make(chan struct{}, trials)
	}
	for _, slow := range []bool{false, true} {
		var running sync.WaitGroup
		for _, fault := range faults.Table() {
			if fault.Slow != slow {
				continue
			}
			slot := slots[fault.Large]
			for i, operation := range operations() {
				running.Go(func() {
					slot <- struct{}{}
					defer func() { <-slot }()
					if got := (trial{t, fault, operation}).cell(); got != want[fault.Name][i] {
						t.Errorf("%s, %s: %s, want %s", fault.Name, operation.name, got, want[fault.Name][i])
					}
				})
			}
		}
		running.Wait()
	}
}

// matrix reads the table of matrix.md: the cells of each fault. It must have one row for each fault and one column for
// each operation, in order.
func matrix(t *testing.T) map[string][]string {
	t.Helper()
	header, known := []string{"fault"}, []string(nil)
	for _, operation := range operations() {
		header = append(header, operation.name)
	}
	for _, fault := range faults.Table() {
		known = append(known, fault.Name)
	}
	var columns, names []string
	cells := map[string][]string{}
	for line := range strings.Lines(matrixFile) {
		row := strings.Split(strings.Trim(line, "|\n"), "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		switch {
		case slices.Equal(row, header):
			columns = row
		case len(row) == len(columns) && !strings.HasPrefix(row[0], "-"):
			names = append(names, row[0])
			cells[row[0]] = row[1:]
		}
	}
	if !slices.Equal(names, known) {
		t.Fatalf("matrix.md has no table with the columns %q, or its rows are\n%q, but the faults are\n%q", header, names, known)
	}
	return cells
}

//go:build unix

package reliability

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/faults"
)

//go:embed matrix.md
var matrixFile string

// atATime is how many trials run at a time: they mostly wait. Those that move
// hundreds of megabytes run one at a time, and those whose client is impatient
// run when the others are done.
const atATime = 64

// TestEveryFaultInEveryOperationEndsAsTheMatrixSays runs each fault in each
// operation, striking every single request of it in turn, and then all of them.
func TestEveryFaultInEveryOperationEndsAsTheMatrixSays(t *testing.T) {
	want := parseMatrix(t, matrixFile)
	all := operations()
	got := make(map[string][]observed)
	slots := map[bool]chan struct{}{false: make(chan struct{}, atATime), true: make(chan struct{}, 1)}
	for _, slow := range []bool{false, true} {
		var running sync.WaitGroup
		for _, fault := range faults.Table() {
			if fault.Slow != slow {
				continue
			}
			row := make([]observed, len(all))
			got[fault.Name] = row
			slot := slots[fault.Large]
			for i, operation := range all {
				c := trial{t: t, fault: fault, operation: operation}
				for _, observe := range []func(){
					func() { row[i].always = c.attempt(t.Context(), allRequests) },
					func() { row[i].once = c.observeOnce(t.Context()) },
				} {
					running.Go(func() {
						slot <- struct{}{}
						defer func() { <-slot }()
						observe()
					})
				}
			}
		}
		running.Wait()
	}

	for _, fault := range faults.Table() {
		t.Run(fault.Name, func(t *testing.T) {
			observed := got[fault.Name]
			for i, operation := range all {
				if o, expected := observed[i].String(), want[fault.Name][i]; o != expected {
					t.Errorf("%s: %s, want %s", operation.name, o, expected)
				}
				for _, complaint := range observed[i].complaints() {
					t.Errorf("%s: %s", operation.name, complaint)
				}
			}
			if t.Failed() {
				t.Logf("the row as observed:\n%s", line(fault.Name, observed))
			}
		})
	}
}

func line(name string, row []observed) string {
	columns := []string{name}
	for _, o := range row {
		columns = append(columns, o.String())
	}
	return "| " + strings.Join(columns, " | ") + " |"
}

// parseMatrix reads the table of matrix.md, which must have one row for each
// fault and one column for each operation, in order.
func parseMatrix(t *testing.T, file string) map[string][]string {
	t.Helper()
	header := []string{"fault"}
	for _, operation := range operations() {
		header = append(header, operation.name)
	}
	var rows [][]string
	for line := range strings.Lines(file) {
		var columns []string
		for column := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			columns = append(columns, strings.TrimSpace(column))
		}
		if slices.Equal(columns, header) || len(rows) > 0 {
			rows = append(rows, columns)
		}
	}
	if len(rows) < 2 {
		t.Fatalf("matrix.md has no table with the columns %q", header)
	}
	want := map[string][]string{}
	var names, known []string
	for _, columns := range rows[2:] { // below the header and its rule
		if len(columns) != len(header) || slices.Contains(columns, "") {
			t.Fatalf("the row %q lacks a cell", columns)
		}
		names = append(names, columns[0])
		want[columns[0]] = columns[1:]
	}
	for _, fault := range faults.Table() {
		known = append(known, fault.Name)
	}
	if !slices.Equal(names, known) {
		t.Fatalf("the rows of matrix.md are\n%q, but the faults are\n%q", names, known)
	}
	return want
}

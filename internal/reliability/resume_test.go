//go:build unix

package reliability

import (
	"errors"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/internal/synctest"
)

func TestASyncThatFailedReportsNothingAndTheNextOneIsWhole(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"401", "404 as JSON", "404 as HTML", "HTML with 200", "truncated JSON", "302 to another host"} {
		for after := range 4 {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newShell(t, sim.Config{Users: 30, PageSize: 10}, "")
				fault, _ := faults.Named(name)
				s.injector.Set(faults.Rule{Fault: fault, After: after})
				if code, r := s.runs(); code == 0 {
					t.Fatalf("the sync has succeeded:\n%s", r.stderr.String())
				}
				if _, err := synctest.Read(t.Context(), s.file); err == nil {
					t.Error("the file holds a completed sync")
				} else if !errors.Is(err, synctest.ErrNoSync) {
					t.Logf("the file cannot be read: %v", err) // there is none
				}

				s.injector.Set()
				s.succeeds()
				s.checkWhole(30)
			})
		}
	}
}

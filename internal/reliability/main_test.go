//go:build unix

// Package reliability tests what the connector promises whatever the server and the
// network do; docs/reliability.md names the promises and their tests. The expected
// outcome of every fault in every operation is in matrix.md.
package reliability

import (
	"flag"
	"os"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/launch"
)

func TestMain(m *testing.M) {
	// These tests mostly wait. Unless it was asked for otherwise, several of them do
	// so at a time whatever the number of processors.
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		_ = flag.Set("test.parallel", "8") // the flag is there
	}
	os.Exit(launch.Main(m))
}

//go:build unix

// Package reliability tests what the connector promises whatever the server and the
// network do; docs/reliability.md names the promises and their tests. The expected
// outcome of every fault in every operation is in matrix.md.
package reliability

import (
	"os"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/launch"
)

func TestMain(m *testing.M) {
	os.Exit(launch.Main(m))
}

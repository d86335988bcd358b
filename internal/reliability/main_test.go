//go:build unix

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

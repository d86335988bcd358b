package reliability

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/faults"
)

func TestEveryPromiseNamesTestsThatExist(t *testing.T) {
	document, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t, "../..")
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)`")
	for line := range strings.Lines(string(document)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Promise") {
			continue
		}
		names := named.FindAllStringSubmatch(line, -1)
		if len(names) == 0 && !strings.HasSuffix(strings.TrimSpace(line), "| the same |") {
			t.Errorf("no test keeps this promise: %s", line)
		}
		for _, name := range names {
			if !tests[name[1]] {
				t.Errorf("there is no test %s", name[1])
			}
		}
	}
	if count := strconv.Itoa(len(faults.Table())) + " faults"; !strings.Contains(string(document), count) {
		t.Errorf("the document does not tell of %s", count)
	}
}

// testNames returns the names of all tests and fuzz targets below a folder.
func testNames(t *testing.T, root string) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	names := map[string]bool{}
	if err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path) //nolint:gosec // a file of this repository
		for _, match := range declared.FindAllSubmatch(source, -1) {
			names[string(match[1])] = true
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

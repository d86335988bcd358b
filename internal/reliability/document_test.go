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
	var tests strings.Builder
	if err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path) //nolint:gosec // a file of this repository
		_, _ = tests.Write(source)
		return err
	}); err != nil {
		t.Fatal(err)
	}
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
			if !strings.Contains(tests.String(), "\nfunc "+name[1]+"(") {
				t.Errorf("there is no test %s", name[1])
			}
		}
	}
	if count := strconv.Itoa(len(faults.Table())) + " faults"; !strings.Contains(string(document), count) {
		t.Errorf("the document does not tell of %s", count)
	}
}

// Package docs_test keeps the documentation and what it describes together: the
// page of the connector, the README, the settings and the messages in the code.
package docs_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/field"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

const root = ".."

var (
	variablePattern = regexp.MustCompile(`\bBATON_[A-Z0-9_]+\b`)
	flagPattern     = regexp.MustCompile(`(?:^|[\s` + "`" + `(])--([a-z][a-z0-9-]*)`)
	linkPattern     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	filePattern     = regexp.MustCompile("`((?:cmd|docs|internal|pkg|scripts)/[^` *]*[^` */]|[A-Za-z_]+\\.(?:go|json|md|mdx))`")
	headingPattern  = regexp.MustCompile(`(?m)^#{1,6} (.*)$`)
)

// TestSettingsExist checks that every flag and variable that the documents name
// is one that the binary knows, and that the README tells all of ours.
func TestSettingsExist(t *testing.T) {
	known := make(map[string]bool)
	for _, f := range append(slices.Clone(field.DefaultFields), config.Config.Fields...) {
		known[f.FieldName] = true
	}
	// What the SDK reads from the environment alone.
	variables := map[string]bool{"BATON_CONFIG_PATH": true, "BATON_HOST_ID": true, "BATON_DEBUG_PRINT_RESPONSE_BODY": true}
	for name := range known {
		variables["BATON_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = true
	}
	// Flags of other programs: baton, docker, jq, kubectl, sha256sum, systemctl.
	foreign := []string{"compare-file", "compare-entitlement", "out", "host", "help", "version", "rm", "user", "arg", "check", "ignore-missing", "now", "namespace"}

	for _, name := range []string{"README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/connector.mdx", "docs/troubleshooting.md", "docs/operations.md"} {
		text := read(t, name)
		for _, variable := range variablePattern.FindAllString(text, -1) {
			if !variables[variable] {
				t.Errorf("%s names %s, which the connector does not read", name, variable)
			}
		}
		for _, match := range flagPattern.FindAllStringSubmatch(text, -1) {
			if !known[match[1]] && !slices.Contains(foreign, match[1]) {
				t.Errorf("%s names --%s, which the connector does not have", name, match[1])
			}
		}
	}

	readme := read(t, "README.md")
	for _, f := range config.Config.Fields {
		if !strings.Contains(readme, "`--"+f.FieldName+"`") {
			t.Errorf("the README does not document --%s", f.FieldName)
		}
	}
}

// TestRolesAndActionsAreDocumented asks the connector which there are.
func TestRolesAndActionsAreDocumented(t *testing.T) {
	built, _, err := connector.New(t.Context(), &config.Whimsical{WhimsicalToken: "test-token"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, syncer := range built.ResourceSyncers(t.Context()) {
		if syncer.ResourceType(t.Context()).GetId() != "role" {
			continue
		}
		roles, _, err := syncer.List(t.Context(), nil, rs.SyncOpAttrs{})
		if err != nil {
			t.Fatal(err)
		}
		for _, role := range roles {
			names = append(names, role.GetDisplayName(), "`"+role.GetId().GetResource()+"`")
		}
	}
	registered := batontest.ActionHandlers{}
	provider, ok := built.(connectorbuilder.GlobalActionProvider)
	if !ok {
		t.Fatal("the connector has no actions")
	}
	if err := provider.GlobalActions(t.Context(), registered); err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 || len(registered) == 0 {
		t.Fatalf("the connector has the roles %v and the actions %v", names, registered)
	}
	for _, document := range []string{"README.md", "docs/connector.mdx"} {
		text := read(t, document)
		for _, name := range slices.AppendSeq(names, maps.Keys(registered)) {
			if !strings.Contains(text, name) {
				t.Errorf("%s does not name %s", document, name)
			}
		}
	}
}

// TestContributingNamesWhatIsThere checks that the files that it names exist, and
// that it describes each folder of internal.
func TestContributingNamesWhatIsThere(t *testing.T) {
	text := read(t, "CONTRIBUTING.md")
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains([]string{".git", "vendor", "bin", "dist"}, entry.Name()) {
			return filepath.SkipDir
		}
		files = append(files, filepath.ToSlash(path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range filePattern.FindAllStringSubmatch(text, -1) {
		if !slices.ContainsFunc(files, func(path string) bool { return strings.HasSuffix(path, "/"+match[1]) }) {
			t.Errorf("CONTRIBUTING.md names %s, which is not there", match[1])
		}
	}
	folders, err := os.ReadDir(filepath.Join(root, "internal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !strings.Contains(text, "\n    internal/"+folder.Name()+"/ ") {
			t.Errorf("CONTRIBUTING.md does not describe internal/%s", folder.Name())
		}
	}
}

// TestOperationsQuotesTheMeasuredFigures checks the one place that repeats what
// performance.md tells of 100,000 users without latency.
func TestOperationsQuotesTheMeasuredFigures(t *testing.T) {
	row := regexp.MustCompile(`(?m)^\| 100,000 \| 0 \| ([0-9,]+) \| ([0-9.]+ s) [^|]*\| ([0-9.]+ s) [^|]*\| ([0-9]+ MiB) `).
		FindStringSubmatch(read(t, "docs/performance.md"))
	if row == nil {
		t.Fatal("performance.md has no row for 100,000 users")
	}
	operations := read(t, "docs/operations.md")
	for _, figure := range row[1:] {
		if !strings.Contains(operations, figure) {
			t.Errorf("operations.md does not give the figure %s of performance.md", figure)
		}
	}
}

// TestLinksLead checks the links within the repository.
func TestLinksLead(t *testing.T) {
	for _, name := range []string{"README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/troubleshooting.md", "docs/operations.md"} {
		text := read(t, name)
		for _, match := range linkPattern.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			switch {
			case strings.Contains(target, "://"):
				continue
			case target == "":
				target = name
			default:
				target = filepath.Join(filepath.Dir(name), target)
				if _, err := os.Stat(filepath.Join(root, target)); err != nil {
					t.Errorf("%s links to %s, which is not there", name, target)
					continue
				}
			}
			if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s links to %s#%s, and there is no such heading", name, target, anchor)
			}
		}
	}
}

// anchors returns the anchors that GitHub gives to the headings of a document.
func anchors(document string) []string {
	var names []string
	for _, match := range headingPattern.FindAllStringSubmatch(document, -1) {
		name := strings.ToLower(regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(match[1], ""))
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// read returns a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

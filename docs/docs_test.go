// Package docs_test keeps the documentation and what it describes together: the
// page of the connector, the README, the settings and the messages in the code.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/field"

	"github.com/conductorone/baton-whimsical/pkg/config"
)

const root = ".."

var (
	manifests = []string{"deploy/kubernetes/secret.yaml", "deploy/kubernetes/deployment.yaml"}

	variablePattern = regexp.MustCompile(`\bBATON_[A-Z0-9_]+\b`)
	flagPattern     = regexp.MustCompile(`(?:^|[\s` + "`" + `(])--([a-z][a-z0-9-]*)`)
	linkPattern     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
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

	documents := append([]string{"README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/connector.mdx", "docs/troubleshooting.md", "docs/operations.md"}, manifests...)
	for _, name := range documents {
		text := read(t, root, name)
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

	readme := read(t, root, "README.md")
	for _, f := range config.Config.Fields {
		if !strings.Contains(readme, "`--"+f.FieldName+"`") {
			t.Errorf("the README does not document --%s", f.FieldName)
		}
	}
}

// TestLinksLead checks the links within the repository.
func TestLinksLead(t *testing.T) {
	for _, name := range []string{"README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/troubleshooting.md", "docs/operations.md"} {
		text := read(t, root, name)
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
			if anchor != "" && !slices.Contains(anchors(read(t, root, target)), anchor) {
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

func read(t *testing.T, elements ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

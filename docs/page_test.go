package docs_test

import (
	"strings"
	"testing"
)

// Tested here is what our page alone says. Whether it is MDX that the registry renders is the business of the
// shared workflow (.github/workflows/connector-docs.yaml), which parses it.

func TestPageHasTheFrontMatterOfAConnector(t *testing.T) {
	_, head, _ := strings.Cut(read(t, "docs/connector.mdx"), "---\n")
	head, _, found := strings.Cut(head, "\n---\n")
	if !found {
		t.Fatal("the page has no front matter")
	}
	for _, line := range []string{
		"title: Set up a Whimsical connector", "og:title: Set up a Whimsical connector", "sidebarTitle: Whimsical",
		"og:description: C1 provides ", "description: C1 provides ",
	} {
		if !strings.Contains("\n"+head, "\n"+line) {
			t.Errorf("the front matter does not say %q", line)
		}
	}
}

// What the pages of all connectors have: two tabs that lead through ConductorOne, in steps.
func TestPageTakesTheUsualPath(t *testing.T) {
	page := read(t, "docs/connector.mdx")
	_, cloud, _ := strings.Cut(page, "<Tab title=\"Cloud-hosted\">")
	cloud, hosted, _ := strings.Cut(cloud, "<Tab title=\"Self-hosted\">")
	for name, tab := range map[string]string{"Cloud-hosted": cloud, "Self-hosted": hosted} {
		for _, text := range []string{
			"**Integrations** > **Connectors**",
			"Choose how to set up the new Whimsical connector:",
			"Set the owner for this connector and click **Next**.",
			"**Done.** Your Whimsical connector is now pulling access data into C1.\n</Tab>",
		} {
			if !strings.Contains(tab, text) {
				t.Errorf("the tab %s does not say %q", name, text)
			}
		}
	}
}

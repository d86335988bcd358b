package docs_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The rules that the registry's renderer sets for connector.mdx: a few components with plain text attributes,
// and nothing that is evaluated. The shared workflow has the last word (it parses the page); this keeps most
// mistakes from getting there.
var (
	components = []string{"Card", "Check", "Frame", "Icon", "Info", "Note", "Step", "Steps", "Tab", "Tabs", "Tip", "Warning"}
	// inline are the components that stand inside a line.
	inline = []string{"Icon"}

	frontmatterKeys = []string{"title", "og:title", "og:description", "description", "sidebarTitle"}

	tagPattern       = regexp.MustCompile(`^<(/?)([A-Za-z][A-Za-z0-9]*)((?: +[A-Za-z][A-Za-z0-9]*="[^"<>{}]*")*) *(/?)>`)
	handlerPattern   = regexp.MustCompile(`(?i)\son[a-z]+ *=`)
	dangerousPattern = regexp.MustCompile(`(?i)(javascript|vbscript|data):`)
	codePattern      = regexp.MustCompile("`[^`]*`")
	fencePattern     = regexp.MustCompile("^( {0,3})(`{3,}|~{3,})([^`]*)$")
)

// lintMDX returns what is wrong with a page.
func lintMDX(page string) []string {
	var problems []string
	report := func(line int, format string, args ...any) {
		problems = append(problems, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(format, args...))
	}
	if strings.ContainsAny(page, "\x00\ufeff\r") {
		report(1, "NUL bytes, byte order marks or carriage returns")
	}
	lines := strings.Split(page, "\n")
	end := frontmatter(lines)
	if end < 0 {
		return append(problems, "line 1: no front matter")
	}
	for _, key := range frontmatterKeys {
		if !slices.ContainsFunc(lines[1:end], func(line string) bool { return strings.HasPrefix(line, key+": ") }) {
			report(1, "the front matter has no %s", key)
		}
	}

	var open []string
	fence := ""
	for i, line := range lines[end+1:] {
		number := end + 2 + i
		if match := fencePattern.FindStringSubmatch(line); match != nil {
			switch {
			case fence == "":
				fence = match[2]
			case strings.HasPrefix(match[2], fence) && strings.TrimSpace(match[3]) == "":
				fence = ""
			}
			continue
		}
		if fence != "" {
			continue
		}
		text := codePattern.ReplaceAllString(line, "")
		switch word, _, _ := strings.Cut(strings.TrimSpace(text), " "); {
		case word == "import" || word == "export":
			report(number, "an import or export")
		case strings.ContainsAny(text, "{}"):
			report(number, "an expression")
		case handlerPattern.MatchString(text):
			report(number, "an event handler")
		case dangerousPattern.MatchString(strings.ReplaceAll(text, " ", "")):
			report(number, "a dangerous URL scheme")
		}
		for at := strings.IndexByte(text, '<'); at >= 0; at = strings.IndexByte(text, '<') {
			text = text[at:]
			tag := tagPattern.FindStringSubmatch(text)
			switch {
			case tag == nil:
				report(number, "%q is no component: raw HTML, a fragment, or an attribute that is not text", text)
				text = text[1:]
				continue
			case !slices.Contains(components, tag[2]):
				report(number, "the component %s is not allowed", tag[2])
			case tag[4] != "":
			case tag[1] == "":
				open = append(open, tag[2])
			case len(open) == 0 || open[len(open)-1] != tag[2]:
				report(number, "%s is closed, and not open", tag[2])
			default:
				open = open[:len(open)-1]
			}
			if tag[4] == "" && slices.Contains(inline, tag[2]) {
				report(number, "%s does not close itself", tag[2])
			}
			text = text[len(tag[0]):]
		}
	}
	if fence != "" {
		problems = append(problems, "a code block is not closed")
	}
	for _, name := range open {
		problems = append(problems, name+" is not closed")
	}
	return problems
}

// frontmatter returns the index of the line that ends the front matter, or -1.
func frontmatter(lines []string) int {
	if lines[0] != "---" {
		return -1
	}
	end := slices.Index(lines[1:], "---")
	if end < 0 {
		return -1
	}
	return end + 1
}

func TestPagePassesTheLint(t *testing.T) {
	for _, problem := range lintMDX(read(t, "connector.mdx")) {
		t.Error("connector.mdx: " + problem)
	}
}

// TestPageTakesTheUsualPath checks that both tabs lead through ConductorOne as
// the pages of all connectors do.
func TestPageTakesTheUsualPath(t *testing.T) {
	page := read(t, "connector.mdx")
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

func TestLintFindsWhatItIsFor(t *testing.T) {
	const head = "---\ntitle: a\nog:title: a\nog:description: a\ndescription: a\nsidebarTitle: a\n---\n"
	for name, page := range map[string]string{
		"a comment":                 head + "{/* generated */}\n",
		"an expression":             head + "One and one are {1 + 1}.\n",
		"an import":                 head + "import x from \"y\"\n",
		"raw HTML":                  head + "one<br/>two\n",
		"an HTML comment":           head + "<!-- hidden -->\n",
		"a fragment":                head + "<>text</>\n",
		"an unknown component":      head + "<Accordion title=\"a\">b</Accordion>\n",
		"an attribute expression":   head + "<Tab title={name}>b</Tab>\n",
		"an event handler":          head + "<Card onclick=\"f\">b</Card>\n",
		"a script URL":              head + "[a](javascript:f)\n",
		"an open component":         head + "<Steps>\n<Step>\na\n</Step>\n",
		"components that cross":     head + "<Steps>\n<Step>\na\n</Steps>\n</Step>\n",
		"an open code block":        head + "```yaml\na: b\n",
		"a missing key":             "---\ntitle: a\n---\ntext\n",
		"no front matter":           "text\n",
		"a placeholder in the text": head + "Replace <your token>.\n",
	} {
		if len(lintMDX(page)) == 0 {
			t.Errorf("the lint passes %s", name)
		}
	}
	for name, page := range map[string]string{
		"code":       head + "Use `{x}` and `<y>`.\n\n```json\n{\"a\": \"<b>\"}\n```\n",
		"components": head + "<Tabs>\n<Tab title=\"A b\">\n| <Icon icon=\"x\"/> |\n</Tab>\n</Tabs>\n",
	} {
		if problems := lintMDX(page); len(problems) > 0 {
			t.Errorf("the lint refuses %s: %v", name, problems)
		}
	}
}

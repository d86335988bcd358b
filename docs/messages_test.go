package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

var (
	// errorCalls make an error of a text; the value is the argument's index.
	errorCalls = map[string]int{
		"failure": 1, "failedPrecondition": 0, "invalidArgument": 0, "notFound": 0, "internal": 0,
		"notSCIM": 3, "New": 0, "Errorf": 0,
	}
	// textNames are the variables, fields and constants that hold a text of an error.
	textNames = regexp.MustCompile(`^(reason|advice.*|pendingMessage)$`)
	verb      = regexp.MustCompile(`%[-+#0-9.]*[a-zA-Z]`)
	spaces    = regexp.MustCompile(`\s+`)
)

// TestReadmeExplainsEveryError takes the texts of all errors out of the code
// and looks for the beginning of each in the README's section on troubleshooting.
func TestReadmeExplainsEveryError(t *testing.T) {
	explained := plain(section(t, "Troubleshooting"))
	errors, _ := messages(t)
	if len(errors) < 40 {
		t.Fatalf("only %d error messages found in the code: has its form changed?", len(errors))
	}
	for _, message := range slices.Sorted(maps.Keys(errors)) {
		if part := distinctive(message); part != "" && !strings.Contains(explained, part) {
			t.Errorf("%s: the README does not explain %q", errors[message], part)
		}
	}
}

// TestReadmeExplainsEveryLogMessage does the same for warnings and errors that
// the connector logs.
func TestReadmeExplainsEveryLogMessage(t *testing.T) {
	explained := plain(section(t, "Operations"))
	_, logged := messages(t)
	if len(logged) == 0 {
		t.Fatal("no log message found in the code: has its form changed?")
	}
	for _, message := range slices.Sorted(maps.Keys(logged)) {
		if !strings.Contains(explained, plain(message)) {
			t.Errorf("%s: the README does not explain the log message %q", logged[message], message)
		}
	}
}

// messages returns the texts of errors, those of logged warnings and errors, and
// where each stands.
func messages(t *testing.T) (map[string]string, map[string]string) {
	t.Helper()
	errors, logged := make(map[string]string), make(map[string]string)
	for _, dir := range []string{"pkg/whimsical", "pkg/connector"} {
		paths, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			note := func(into map[string]string, expr ast.Expr) {
				if text, ok := literal(expr); ok {
					position := files.Position(expr.Pos())
					into[text] = filepath.Base(position.Filename) + ":" + strconv.Itoa(position.Line)
				}
			}
			ast.Inspect(file, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.CallExpr:
					name := calledName(node)
					if at, ok := errorCalls[name]; ok && len(node.Args) > at {
						note(errors, node.Args[at])
					}
					if (name == "Warn" || name == "Error") && len(node.Args) > 0 {
						note(logged, node.Args[0])
					}
				case *ast.KeyValueExpr:
					if key, ok := node.Key.(*ast.Ident); ok && textNames.MatchString(key.Name) {
						note(errors, node.Value)
					}
				case *ast.ValueSpec:
					for i, name := range node.Names {
						if textNames.MatchString(name.Name) && i < len(node.Values) {
							note(errors, node.Values[i])
						}
					}
				case *ast.AssignStmt:
					for i, left := range node.Lhs {
						if textNames.MatchString(lastName(left)) && i < len(node.Rhs) {
							note(errors, node.Rhs[i])
						}
					}
				}
				return true
			})
		}
	}
	return errors, logged
}

func calledName(call *ast.CallExpr) string {
	return lastName(call.Fun)
}

func lastName(expr ast.Expr) string {
	switch expr := expr.(type) {
	case *ast.Ident:
		return expr.Name
	case *ast.SelectorExpr:
		return expr.Sel.Name
	default:
		return ""
	}
}

// literal returns the text of a string expression, with a verb in the place of
// what is not known before the program runs.
func literal(expr ast.Expr) (string, bool) {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(expr.Value)
		return text, err == nil && expr.Kind == token.STRING
	case *ast.BinaryExpr:
		left, leftOK := literal(expr.X)
		right, rightOK := literal(expr.Y)
		if !leftOK {
			left = "%v"
		}
		if !rightOK {
			right = "%v"
		}
		return left + right, expr.Op == token.ADD && (leftOK || rightOK)
	default:
		return "", false
	}
}

// distinctive returns what somebody would search for: the beginning of the first
// part of a message that has three words and no verb.
func distinctive(message string) string {
	const most = 30
	message = strings.TrimPrefix(message, "baton-whimsical: ")
	for _, part := range verb.Split(message, -1) {
		part = strings.Trim(plain(part), " :,;()")
		if strings.Count(part, " ") < 2 {
			continue
		}
		if utf8.RuneCountInString(part) > most {
			part = string([]rune(part)[:most])
			part = part[:strings.LastIndex(part, " ")]
		}
		return strings.Trim(part, " :,;()")
	}
	return "" // a prefix, or a wrapper around another text
}

// plain returns a text without what Markdown adds to it.
func plain(text string) string {
	text = strings.NewReplacer("`", "", `\|`, "|").Replace(text)
	return spaces.ReplaceAllString(text, " ")
}

// section returns a second-level section of the README.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, root, "README.md"), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("the README has no section %q", heading)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

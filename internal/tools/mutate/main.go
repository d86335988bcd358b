// Command mutate tests the tests: it changes one operator of the code at a time and runs the tests of the
// package, which ought to fail. It prints each change that no test noticed, and how many of all were noticed.
//
//	go run -C internal/tools/mutate . -root "$PWD" ./pkg/whimsical
//
// Public testers pass over conditions of a case, which Go's coverage does not count
// (https://github.com/go-gremlins/gremlins/issues/298): here those are a third of all conditions.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// replacements are the operators that take the place of one.
var replacements = map[token.Token][]token.Token{
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.LSS: {token.GEQ, token.LEQ}, token.GEQ: {token.LSS, token.GTR},
	token.GTR: {token.LEQ, token.GEQ}, token.LEQ: {token.GTR, token.LSS},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL},
	token.INC: {token.DEC}, token.DEC: {token.INC},
	token.NOT: {token.ILLEGAL}, // is left out
}

// mutant is a file with one operator changed.
type mutant struct {
	file     string
	position token.Position
	change   string
	source   []byte
}

func main() {
	root := flag.String("root", ".", "the directory of the module")
	flag.Parse()
	for _, pkg := range flag.Args() {
		if err := run(*root, pkg); err != nil {
			fmt.Fprintln(os.Stderr, "mutate:", err)
			os.Exit(1)
		}
	}
}

// run tries each mutant of a package, as many at a time as there are processors.
func run(root, pkg string) error {
	mutants, err := mutantsOf(filepath.Join(root, pkg))
	if err != nil {
		return err
	}
	began := time.Now()
	if output, err := test(root, pkg, "-timeout=10m"); err != nil {
		return fmt.Errorf("the tests of %s fail without any change: %w\n%s", pkg, err, output)
	}
	timeout := fmt.Sprintf("-timeout=%s", max(time.Minute, 5*time.Since(began))) // a change may make them run without end
	fmt.Printf("%s: trying %d mutants\n", pkg, len(mutants))
	var (
		mu            sync.Mutex
		killed, lived int
		group         sync.WaitGroup
		slots         = make(chan struct{}, runtime.NumCPU())
		failure       error
	)
	for _, m := range mutants {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			noticed, viable, err := try(root, pkg, timeout, m)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				failure = err
			case !viable:
			case noticed:
				killed++
			default:
				lived++
				fmt.Printf("lived: %s:%d:%d: %s\n", filepath.Join(pkg, filepath.Base(m.file)), m.position.Line, m.position.Column, m.change)
			}
		})
	}
	group.Wait()
	fmt.Printf("%s: %d of %d mutants killed, %.1f of 100\n", pkg, killed, killed+lived, 100*float64(killed)/float64(max(1, killed+lived)))
	return failure
}

// mutantsOf returns every mutant of the files of a directory.
func mutantsOf(dir string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var mutants []mutant
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.Inspect(tree, func(node ast.Node) bool {
			at, old := operator(node)
			for _, next := range replacements[old] {
				by := next.String()
				if next == token.ILLEGAL {
					by = ""
				}
				position := set.Position(at)
				rest := source[position.Offset+len(old.String()):]
				mutants = append(mutants, mutant{
					file: file, position: position, change: strings.TrimSpace(old.String() + " to " + by),
					source: bytes.Join([][]byte{source[:position.Offset], []byte(by), rest}, nil),
				})
			}
			return true
		})
	}
	return mutants, nil
}

// operator returns the operator of a node and where it stands.
func operator(node ast.Node) (token.Pos, token.Token) {
	switch n := node.(type) {
	case *ast.BinaryExpr:
		return n.OpPos, n.Op
	case *ast.UnaryExpr:
		if n.Op == token.NOT || n.Op == token.SUB {
			return n.OpPos, n.Op
		}
	case *ast.IncDecStmt:
		return n.TokPos, n.Tok
	}
	return token.NoPos, token.ILLEGAL
}

// try runs the tests on a mutant. It reports whether they noticed it, and whether it compiles at all.
func try(root, pkg, timeout string, m mutant) (noticed, viable bool, err error) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return false, false, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	changed, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
	encoded, err := json.Marshal(map[string]map[string]string{"Replace": {m.file: changed}})
	if err != nil {
		return false, false, err
	}
	for name, content := range map[string][]byte{changed: m.source, overlay: encoded} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return false, false, err
		}
	}
	output, err := test(root, pkg, timeout, "-overlay", overlay)
	return err != nil, !bytes.Contains(output, []byte("[build failed]")), nil
}

// test runs the tests of a package.
func test(root, pkg string, options ...string) ([]byte, error) {
	args := append([]string{"test", "-count=1", "-failfast", "-vet=off"}, options...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Dir = root
	return cmd.CombinedOutput()
}

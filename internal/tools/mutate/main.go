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
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	file, change string
	position     token.Position
	source       []byte
}

func main() {
	root := flag.String("root", ".", "the directory of the module")
	flag.Parse()
	for _, pkg := range flag.Args() {
		run(*root, pkg)
	}
}

// check ends the command on an error.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// run tries each mutant of a package, as many at a time as there are processors.
func run(root, pkg string) {
	mutants := mutantsOf(filepath.Join(root, pkg))
	began := time.Now()
	if output, err := test(root, pkg, "-timeout=10m"); err != nil {
		check(fmt.Errorf("the tests of %s fail without any change: %w\n%s", pkg, err, output))
	}
	timeout := fmt.Sprintf("-timeout=%s", max(time.Minute, 5*time.Since(began))) // a change may make them run without end
	fmt.Printf("%s: trying %d mutants\n", pkg, len(mutants))
	var killed, lived atomic.Int64
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for _, m := range mutants {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			switch noticed, viable := try(root, pkg, timeout, m); {
			case !viable:
			case noticed:
				killed.Add(1)
			default:
				lived.Add(1)
				fmt.Printf("lived: %s:%d:%d: %s\n", filepath.Join(pkg, filepath.Base(m.file)), m.position.Line, m.position.Column, m.change)
			}
		})
	}
	group.Wait()
	all := killed.Load() + lived.Load()
	fmt.Printf("%s: %d of %d mutants killed, %.1f of 100\n", pkg, killed.Load(), all, 100*float64(killed.Load())/float64(max(1, all)))
}

// mutantsOf returns every mutant of the files of a directory.
func mutantsOf(dir string) []mutant {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	check(err)
	var mutants []mutant
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		check(err)
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, source, parser.SkipObjectResolution)
		check(err)
		ast.Inspect(tree, func(node ast.Node) bool {
			at, old := operator(node)
			for _, next := range replacements[old] {
				by := strings.TrimSuffix(next.String(), token.ILLEGAL.String())
				position := set.Position(at)
				mutants = append(mutants, mutant{
					file: file, position: position, change: strings.TrimSpace(old.String() + " to " + by),
					source: slices.Concat(source[:position.Offset], []byte(by), source[position.Offset+len(old.String()):]),
				})
			}
			return true
		})
	}
	return mutants
}

// operator returns the operator of a node and where it stands.
func operator(node ast.Node) (token.Pos, token.Token) {
	switch n := node.(type) {
	case *ast.BinaryExpr:
		return n.OpPos, n.Op
	case *ast.UnaryExpr:
		return n.OpPos, n.Op
	case *ast.IncDecStmt:
		return n.TokPos, n.Tok
	}
	return token.NoPos, token.ILLEGAL
}

// try runs the tests on a mutant. It reports whether they noticed it, and whether it compiles at all.
func try(root, pkg, timeout string, m mutant) (noticed, viable bool) {
	dir, err := os.MkdirTemp("", "mutate")
	check(err)
	defer func() { _ = os.RemoveAll(dir) }()
	changed, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
	encoded, err := json.Marshal(map[string]map[string]string{"Replace": {m.file: changed}})
	check(errors.Join(err, os.WriteFile(changed, m.source, 0o600), os.WriteFile(overlay, encoded, 0o600)))
	output, err := test(root, pkg, timeout, "-overlay", overlay)
	return err != nil, !bytes.Contains(output, []byte("[build failed]"))
}

// test runs the tests of a package.
func test(root, pkg string, options ...string) ([]byte, error) {
	args := append([]string{"test", "-count=1", "-failfast", "-vet=off"}, options...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Dir = root
	return cmd.CombinedOutput()
}

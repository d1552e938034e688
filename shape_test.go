package foreshock

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The tail tells a pleasant repository from a hard one: nothing may grow over
// these limits. Tests and generated files are exempt.
const (
	maxFileLines = 400
	maxFuncLines = 60
)

func TestSize(t *testing.T) {
	for _, src := range sources(t) {
		if n := src.line(src.file.FileEnd); n > maxFileLines {
			t.Errorf("%s has %d lines, the limit is %d: split it by topic, or delete something", src.name, n, maxFileLines)
		}
		for _, decl := range src.file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := src.line(fn.End()) - src.line(fn.Pos()) + 1; n > maxFuncLines {
				t.Errorf("%s:%d: %s has %d lines, the limit is %d: give its parts names of their own", src.name, src.line(fn.Pos()), fn.Name.Name, n, maxFuncLines)
			}
		}
	}
}

// TestPureStartNoGoroutine keeps the pure packages free of what the import
// rule cannot see.
func TestPureStartNoGoroutine(t *testing.T) {
	for _, src := range sources(t) {
		if !slices.Contains(pure, path.Dir(src.name)) {
			continue
		}
		ast.Inspect(src.file, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s:%d: go statement in a package that computes only: let the caller run it concurrently", src.name, src.line(g.Pos()))
			}
			return true
		})
	}
}

// A source is one Go file of the product, parsed.
type source struct {
	name string // path from the root, with slashes
	file *ast.File
	fset *token.FileSet
}

func (s source) line(p token.Pos) int { return s.fset.Position(p).Line }

// sources parses every Go file of the module that is neither a test nor
// generated.
func sources(t *testing.T) []source {
	t.Helper()
	var srcs []source
	fset := token.NewFileSet()
	for _, name := range files(t, ".go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if !ast.IsGenerated(file) {
			srcs = append(srcs, source{name: name, file: file, fset: fset})
		}
	}
	return srcs
}

// files lists the files of the tree whose names end in suffix, as paths from
// the root. It leaves out test data, and hidden folders except .github.
func files(t *testing.T, suffix string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && (base == "testdata" || base == "node_modules" || strings.HasPrefix(base, ".") && base != "." && base != ".github") {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(base, suffix) {
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

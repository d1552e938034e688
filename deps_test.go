package foreshock

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/foreshock/foreshock"

// allowed states which of our packages each package may import. It is policy:
// widen a line only together with an ADR that says why.
//
// The value "*" allows every package of this module. Packages under examples
// may import everything and need no line; the program in examples itself
// writes files for the rest to read, and imports nothing of ours.
var allowed = map[string]string{
	"signal":   "",
	"stats":    "",
	"topology": "",
	"queueing": "",

	"pattern":    "signal stats topology",
	"trend":      "signal stats topology pattern",
	"prediction": "signal stats topology pattern trend queueing",
	"prevention": "signal prediction",
	"release":    "signal stats topology pattern trend prediction prevention",

	"baseline": "signal stats",
	"simulate": "signal queueing topology",
	"engine":   "signal baseline prevention release",
	"backtest": "signal pattern prediction prevention release backtest/peer",

	"backtest/peer": "signal stats release",

	// What is adapted, and never one another.
	"internal/tsdb":       "engine internal/scratch",
	"internal/recording":  "internal/strictyaml signal topology prevention release engine backtest",
	"internal/scrape":     "",
	"internal/capture":    "signal release engine internal/scratch",
	"internal/discover":   "signal engine",
	"internal/prometheus": "signal engine",
	"internal/normal":     "baseline",
	"internal/model":      "internal/strictyaml signal topology simulate release",
	"internal/slo":        "internal/strictyaml signal engine",

	// YAML as people write it, for those that read a format of ours or of others.
	"internal/strictyaml": "",

	// Temporary folders that do not outlive their program.
	"internal/scratch": "",

	// A real system that fails. It imports nothing of the rest.
	"lab":      "lab/part internal/scratch",
	"lab/part": "",

	// For tests: tables for documents, what all queriers have in common, and
	// real servers.
	"internal/doctable":    "",
	"internal/queriertest": "engine",
	"internal/parts":       "",

	"examples": "",

	"internal/cli":       "*",
	"internal/cli/demo":  "*",
	"internal/cli/watch": "*",
	"cmd/foreshock":      "internal/cli",
}

// pure lists the packages that compute and do nothing else, and impure what
// they may therefore not import. That they read no clock is the linter's to
// see: package time is allowed, time.Now is not.
var (
	pure   = strings.Fields("signal stats topology queueing pattern trend prediction prevention release baseline simulate backtest/peer")
	impure = strings.Fields("context database/sql io/fs log log/slog net net/http os os/exec sync")
)

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, pkg := range packages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(pkg.ImportPath, module), "/")
		if name == "" || strings.HasPrefix(name, "examples/") {
			continue
		}
		seen[name] = true
		rule, ok := allowed[name]
		if !ok {
			t.Errorf("package %s has no line in allowed: add one, and say in an ADR what the package is for", name)
			continue
		}
		for _, imp := range pkg.Imports {
			own, isOwn := strings.CutPrefix(imp, module+"/")
			switch {
			case isOwn && rule != "*" && !slices.Contains(strings.Fields(rule), own):
				t.Errorf("%s imports %s, and may import only [%s]: move the code to where the import is allowed, or widen the line in allowed with an ADR", name, own, rule)
			case slices.Contains(pure, name) && slices.Contains(impure, imp):
				t.Errorf("%s imports %s, but computes only: let the caller do it and hand in the value", name, imp)
			}
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("allowed names %s, which is not in the tree: drop the line", name)
		}
	}
}

func TestPackageDocs(t *testing.T) {
	for _, pkg := range packages(t) {
		want := "Package " + pkg.Name + " "
		if pkg.Name != "main" && !strings.HasPrefix(pkg.Doc, want) {
			t.Errorf("package comment of %s is %q: begin it with %q and say what the package is, promises and never does", pkg.ImportPath, pkg.Doc, want)
		}
	}
}

type goPackage struct {
	ImportPath string
	Name       string
	Doc        string
	Imports    []string
}

// packages lists the packages of the module. Packages that hold only tests
// count too.
func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Name,Doc,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, p)
	}
}

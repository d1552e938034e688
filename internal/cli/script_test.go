package cli

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/foreshock/foreshock/lab"
	"github.com/foreshock/foreshock/release"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestMain makes this program a process of the lab when a demo starts it as
// one.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == lab.Argument {
		os.Exit(Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	testscript.Main(m, map[string]func(){
		"foreshock": func() { os.Exit(Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScript runs the scripts in testdata/script. Beside the usual commands
// they have:
//
//	exits CODE PROGRAM ARG...   run it, and want this exit code
//	metrics DIR [SERVICE...]    write 40 min of metrics of cart and web; the
//	                            new versions of the services named are bad
//	prefix PART WHOLE           the lines of PART but its last begin WHOLE
//	valid FILE...               each holds to release/wire.schema.json
//	explains FILE...            each holds to release/explanation.schema.json
//	cut FILE BYTES              leave only so many
func TestScript(t *testing.T) {
	schema, explanation := strictSchema(t, "wire.schema.json"), strictSchema(t, "explanation.schema.json")
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"metrics": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(writeMetrics(ts.MkAbs(args[0]), args[1:]))
			},
			"prefix": func(ts *testscript.TestScript, _ bool, args []string) {
				part := strings.SplitAfter(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n")
				begin := strings.Join(part[:len(part)-1], "")
				if begin == "" || !strings.HasPrefix(ts.ReadFile(args[1]), begin) {
					ts.Fatalf("%s is not the begin of %s", args[0], args[1])
				}
			},
			"valid": func(ts *testscript.TestScript, _ bool, args []string) {
				for _, name := range args {
					ts.Check(holds(schema, ts.ReadFile(name)))
				}
			},
			"explains": func(ts *testscript.TestScript, _ bool, args []string) {
				for _, name := range args {
					ts.Check(holds(explanation, ts.ReadFile(name)))
				}
			},
			"cut": func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.ParseInt(args[1], 10, 64)
				ts.Check(err)
				ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
			},
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got, err = exit.ExitCode(), nil
	}
	ts.Check(err)
	if got != want {
		ts.Fatalf("%s exits %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// writeMetrics writes the metrics of a rollout that begins at 10:00: the new
// versions appear at 10:15, and where they are bad, a third of their requests
// fail, slowly, from 10:20 on.
func writeMetrics(dir string, bad []string) error {
	var b strings.Builder
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for m, family := range []string{"errors_ratio", "latency_seconds", "memory_bytes"} {
		fmt.Fprintf(&b, "# TYPE %s gauge\n", family)
		for s, service := range []string{"cart", "web"} {
			for v, version := range []string{"v1", "v2"} {
				r := rand.New(rand.NewPCG(uint64(m), uint64(2*s+v)))
				for k := range 41 {
					noise := r.NormFloat64()
					if version == "v2" && k < 15 {
						continue
					}
					hit := version == "v2" && k >= 20 && slices.Contains(bad, service)
					value := []float64{0.01 + 0.001*noise, 0.2 + 0.004*noise, 5e8 + 2e6*noise}[m]
					if hit {
						value = []float64{0.35 + 0.01*noise, 0.9 + 0.02*noise, 5e8 + 2e6*noise}[m]
					}
					fmt.Fprintf(&b, "%s{service=%q,version=%q} %g %d\n", family, service, version, value, start.Add(time.Duration(k)*time.Minute).Unix())
				}
			}
		}
	}
	b.WriteString("# EOF\n")
	f, err := os.Create(filepath.Join(dir, "metrics.om.gz"))
	if err != nil {
		return err
	}
	w := gzip.NewWriter(f)
	_, err = io.WriteString(w, b.String())
	return errors.Join(err, w.Close(), f.Close())
}

// playedExample plays the recording of a script, in which web is bad.
func playedExample(t *testing.T) (*played, []string, map[string]*moments) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/script/several.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, described), archive.Files[0].Data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeMetrics(dir, []string{"web"}); err != nil {
		t.Fatal(err)
	}
	ms := map[string]*moments{}
	p, err := play(t.Context(), dir, until{}, listener{assess: func(as release.Assessment) error {
		remember(ms, as)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p, []string{"cart", "web"}, ms
}

// strictSchema compiles a schema of package release, with every field that it does
// not name forbidden: users may meet new fields, we must describe them.
func strictSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../release", name))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	forbidOthers(doc)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func forbidOthers(doc any) {
	switch x := doc.(type) {
	case map[string]any:
		if _, ok := x["properties"].(map[string]any); ok {
			x["additionalProperties"] = false
		}
		for _, v := range x {
			forbidOthers(v)
		}
	case []any:
		for _, v := range x {
			forbidOthers(v)
		}
	}
}

// holds validates one JSON document, or one in each line.
func holds(schema *jsonschema.Schema, text string) error {
	dec := json.NewDecoder(bufio.NewReader(strings.NewReader(text)))
	dec.UseNumber()
	for n := 1; ; n++ {
		var doc any
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) && n > 1 {
			return nil
		} else if err != nil {
			return fmt.Errorf("document %d: %w", n, err)
		}
		if err := schema.Validate(doc); err != nil {
			return fmt.Errorf("document %d: %w", n, err)
		}
	}
}

package strictyaml_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/strictyaml"
)

// form is read with every reader there is.
type form struct {
	name    string
	at      time.Time
	every   time.Duration
	share   float64
	tries   int
	on      bool
	tags    []string
	steps   []float64
	nested  string
	missing float64
}

const want = "fields such as 'name: a'"

func read(text string) (form, error) {
	d := &strictyaml.Decoder{File: "f.yaml", Mend: "read the manual"}
	n := d.Document([]byte(text), want)
	if d.Err != nil {
		return form{}, d.Err
	}
	o := d.Object(n, "the form", "name ? at every share tries on tags steps nested")
	f := form{
		name: o.Text("name"), at: o.Time("at"), every: o.Duration("every"), share: o.Number("share", 0, 1, 0.5),
		tries: o.Whole("tries", 1, 3), on: o.Flag("on"), tags: o.Texts("tags"), steps: o.Numbers("steps", 0, math.Inf(1)),
		nested: o.Child("nested", "? deep").Text("deep"), missing: o.Child("nested", "? deep").Number("deeper", 0, 1, 7),
	}
	return f, d.Err
}

func TestRead(t *testing.T) {
	got, err := read("name: a # of it\nat: 2026-01-01T12:00:00+01:00\nevery: 1m30s\nshare: 0.25\ntries: 2\non: true\ntags: [x, y]\nsteps: [5, 20.5]\nnested: {deep: b}\n")
	if err != nil {
		t.Fatal(err)
	}
	if got.name != "a" || !got.at.Equal(time.Date(2026, 1, 1, 11, 0, 0, 0, time.UTC)) || got.at.Location() != time.UTC || got.every != 90*time.Second ||
		got.share != 0.25 || got.tries != 2 || !got.on || !slices.Equal(got.tags, []string{"x", "y"}) || !slices.Equal(got.steps, []float64{5, 20.5}) || got.nested != "b" {
		t.Errorf("all fields: %+v", got)
	}
	got, err = read("---\n---\nname: a\n---\n")
	if err != nil || got.share != 0.5 || got.tries != 3 || got.on || got.tags != nil || got.steps != nil || got.nested != "" || got.missing != 7 || !got.at.IsZero() || got.every != 0 {
		t.Errorf("one field, between empty documents: %+v, %v", got, err)
	}
}

func TestFaults(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "f.yaml: the file is empty; want " + want},
		{"# only words\n", "f.yaml: the file is empty; want " + want},
		{strings.Repeat("#", strictyaml.MaxBytes+1), "f.yaml: more than 1 MiB of YAML; want " + want},
		{"name: a\n---\nname: b\n", "f.yaml:3: a second document; want one document a file"},
		{"name: a\n---\nname: [b\n", "f.yaml:2: this is no YAML: did not find expected ',' or ']'"},
		{"name: {\n", "f.yaml:1: this is no YAML: did not find expected node content"},
		{"name: a\ntags: &x [b]\n", "f.yaml:2: anchors and aliases are not read; write the value out"},
		{"- name\n", "f.yaml:1: the form is a list; want a mapping of fields"},
		{"at: 2026-01-01T12:00:00Z\n", "f.yaml:1: the form has no name; it must be given"},
		{"name: a\nnmea: b\n", `f.yaml:2: unknown field "nmea" in the form; want one of name, at, every, share, tries, on, tags, steps, nested`},
		{"name: a\nname:\n", "f.yaml:2: field name stands twice in the form; drop one"},
		{"name: ' '\n", "f.yaml:1: name is empty; want text"},
		{"name:\n", "f.yaml:1: name is empty; want text"},
		{"name: {a: b}\n", "f.yaml:1: name is a mapping; want text"},
		{"name: a\nat: noon\n", `f.yaml:2: at "noon" is no time; want RFC 3339, such as 2006-01-02T15:04:05Z`},
		{"name: a\nevery: 0s\n", `f.yaml:2: every "0s" is no duration; want one above zero, such as 60s or 1m30s`},
		{"name: a\nshare: 2\n", `f.yaml:2: share is "2"; want a number between 0 and 1`},
		{"name: a\nshare: .nan\n", `f.yaml:2: share is ".nan"; want a number between 0 and 1`},
		{"name: a\ntries: 1.5\n", "f.yaml:2: tries is 1.5; want a whole number"},
		{"name: a\ntries: 0\n", `f.yaml:2: tries is "0"; want a number between 1 and 1000000`},
		{"name: a\non: yes\n", `f.yaml:2: on is "yes"; want true or false`},
		{"name: a\ntags: x\n", `f.yaml:2: tags is "x"; want a list`},
		{"name: a\ntags: [x, []]\n", "f.yaml:2: tags[1] is a list; want text"},
		{"name: a\nsteps: [1, -1]\n", `f.yaml:2: steps[1] is "-1"; want a number ≥ 0`},
		{"name: a\nsteps: [1, .inf]\n", `f.yaml:2: steps[1] is ".inf"; want a number ≥ 0`},
		{"name: a\nnested: {depe: b}\n", `f.yaml:2: unknown field "depe" in nested; want one of deep`},
		{"name: a\nnested: {deep: [b]}\n", "f.yaml:2: nested.deep is a list; want text"},
		{"name: a\nshare: 2\ntries: 0\n", `f.yaml:2: share is "2"; want a number between 0 and 1`}, // the first of two
	}
	for _, tt := range tests {
		_, err := read(tt.text)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%.40q:\n got %v\nwant %s", tt.text, err, tt.want)
			continue
		}
		if fault, ok := errors.AsType[*strictyaml.SyntaxError](err); !ok || fault.Hint() != "read the manual" {
			t.Errorf("%.40q: %T has no hint", tt.text, err)
		}
	}
}

// TestAnyField: with "*" any field may stand, and still none twice.
func TestAnyField(t *testing.T) {
	d := &strictyaml.Decoder{File: "f.yaml"}
	o := d.Object(d.Document([]byte("a: 1\nb: 2\n"), want), "headers", "? *")
	if d.Err != nil || !o.Has("a") || !o.Has("b") || o.Name("a") != "headers.a" {
		t.Errorf("fields %v, %v", o.Fields, d.Err)
	}
	d.Object(d.Document([]byte("a: 1\na: 2\n"), want), "headers", "? *")
	if d.Err == nil {
		t.Error("a field that stands twice is no fault")
	}
}

func TestReadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "much.yaml")
	if _, err := strictyaml.ReadFile(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("ReadFile of nothing: %v, want os.ErrNotExist", err)
	}
	if err := os.WriteFile(name, make([]byte, 3*strictyaml.MaxBytes), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := strictyaml.ReadFile(name); err != nil || len(b) != strictyaml.MaxBytes+1 {
		t.Errorf("ReadFile of 3 MiB: %d bytes, %v", len(b), err)
	}
}

// FuzzRead holds that any text gives a value or a SyntaxError of the file,
// never a panic, and numbers and lists only as they are wanted.
func FuzzRead(f *testing.F) {
	f.Add("name: a\nsteps: [1]\nnested: {deep: b}")
	f.Add("a: &a [*a]")
	f.Add("{name: [}, \x00")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := read(text)
		if err != nil {
			if fault, ok := errors.AsType[*strictyaml.SyntaxError](err); !ok || fault.File != "f.yaml" {
				t.Fatalf("%T is no SyntaxError of the file: %v", err, err)
			}
			return
		}
		if got.name == "" || !(got.share >= 0 && got.share <= 1) || got.tries < 1 || got.every < 0 || slices.ContainsFunc(got.steps, func(x float64) bool { return !(x >= 0) }) {
			t.Errorf("%q gives %+v", text, got)
		}
	})
}

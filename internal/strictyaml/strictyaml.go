// Package strictyaml reads YAML that people write by hand. It promises that an
// unknown, missing or doubled field is an error with its line, the known names
// and the mend, and that little text cannot become much memory: at most 1 MiB,
// no anchors and no aliases.
//
// It knows no format: who reads one says which fields it has. It never falls
// back to a default that its caller did not name.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A SyntaxError is a fault in a file.
type SyntaxError struct {
	File string
	Line int // 1 is the first; 0 when the fault is in no line
	Msg  string
	Mend string // where the format of the file is described
}

// Error returns file:line: message.
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// Hint says where the format is described.
func (e *SyntaxError) Hint() string { return e.Mend }

// MaxBytes is the most YAML that is read: a recording of a hundred releases
// has 100 kB.
const MaxBytes = 1 << 20

// ReadFile reads a file up to just above MaxBytes, so that a [Decoder] can
// refuse it without reading all of it.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b, nil
}

// A Decoder reads the nodes of one file. It keeps the first fault; what is
// read after a fault is zero.
type Decoder struct {
	File string // for messages
	Mend string // where the format is described
	Err  error  // nil, or a *SyntaxError; who finds another fault may set it
}

// Fail notes a fault at a node.
func (d *Decoder) Fail(n *yaml.Node, format string, args ...any) { d.failAt(n.Line, format, args...) }

func (d *Decoder) failAt(line int, format string, args ...any) {
	if d.Err == nil {
		d.Err = &SyntaxError{File: d.File, Line: line, Msg: fmt.Sprintf(format, args...), Mend: d.Mend}
	}
}

// Document returns the one document of a text, nil after a fault. What is
// wanted in the file is said where it is empty or too long.
func (d *Decoder) Document(text []byte, want string) *yaml.Node {
	docs := d.Documents(text, want)
	switch {
	case d.Err != nil:
	case len(docs) > 1:
		d.Fail(docs[1], "a second document; want one document a file")
	default:
		return docs[0]
	}
	return nil
}

// Documents returns the documents of a text, at least one unless there is a
// fault. Empty ones, as between two lines of "---", are left out.
func (d *Decoder) Documents(text []byte, want string) []*yaml.Node {
	if len(text) > MaxBytes {
		d.failAt(0, "more than 1 MiB of YAML; want %s", want)
		return nil
	}
	var docs []*yaml.Node
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			d.malformed(err)
			return nil
		}
		if len(doc.Content) != 1 || doc.Content[0].Tag == "!!null" {
			continue
		}
		if n := alias(doc.Content[0]); n != nil {
			d.Fail(n, "anchors and aliases are not read; write the value out")
			return nil
		}
		docs = append(docs, doc.Content[0])
	}
	if len(docs) == 0 {
		d.failAt(0, "the file is empty; want %s", want)
	}
	return docs
}

// malformed takes the line out of the parser's message. It is that of the
// begin of the value that is not well formed, or just above it.
func (d *Decoder) malformed(err error) {
	line, msg := 0, strings.TrimPrefix(err.Error(), "yaml: ")
	if _, scan := fmt.Sscanf(msg, "line %d: ", &line); scan == nil {
		_, msg, _ = strings.Cut(msg, ": ")
	}
	d.failAt(line, "this is no YAML: %s", msg)
}

// alias finds the first anchor or alias, which could make little text huge.
func alias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return n
	}
	for _, c := range n.Content {
		if found := alias(c); found != nil {
			return found
		}
	}
	return nil
}

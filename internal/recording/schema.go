package recording

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/internal/strictyaml"
)

// Schema is the published JSON Schema (draft 2020-12) of recording.yaml.
//
//go:embed recording.schema.json
var Schema []byte

var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("recording.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("recording.schema.json")
})

// validate holds a document against the schema. The decoder has said all it
// has to say in friendlier words; this is what it let pass.
func validate(file string, n *yaml.Node) error {
	schema, err := compiled()
	if err != nil {
		return fmt.Errorf("compile the schema of recordings: %w", err)
	}
	err = schema.Validate(plain(n))
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	for len(invalid.Causes) > 0 {
		invalid = invalid.Causes[0]
	}
	where, line := locate(n, invalid.InstanceLocation)
	msg, _, _ := strings.Cut(invalid.Error(), "\n")
	if i := strings.LastIndex(msg, "': "); i >= 0 {
		msg = msg[i+3:]
	}
	return &strictyaml.SyntaxError{File: file, Line: line, Mend: recordingMend, Msg: fmt.Sprintf("%s is not as the schema wants it: %s", where, msg)}
}

// locate follows a path into the document and says it as the decoder does.
func locate(n *yaml.Node, path []string) (where string, line int) {
	for _, p := range path {
		next := n
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == p {
					next = n.Content[i+1]
				}
			}
			where += "." + p
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(p); err == nil && i < len(n.Content) {
				next = n.Content[i]
			}
			where += "[" + p + "]"
		default: // the path ends at a value
		}
		n = next
	}
	return strings.TrimPrefix(where, "."), n.Line
}

// plain turns a node into what a schema is held against. Times stay text.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		l := make([]any, len(n.Content))
		for i, c := range n.Content {
			l[i] = plain(c)
		}
		return l
	default:
		return plainScalar(n)
	}
}

func plainScalar(n *yaml.Node) any {
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int", "!!float":
		if x, err := strconv.ParseFloat(n.Value, 64); err == nil && x-x == 0 {
			return x
		}
	}
	return n.Value
}

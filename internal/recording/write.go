package recording

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// Text returns the recording.yaml that [Load] reads as this recording, with a
// remark at its top ("" for none). Where metrics.om.gz are not the metrics,
// Metrics is their path inside the folder.
func (r *Recording) Text(remark string) []byte {
	var b strings.Builder
	if remark != "" {
		for line := range strings.SplitSeq(remark, "\n") {
			b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
		}
	}
	fmt.Fprintf(&b, "apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\nspec:\n", APIVersion, Kind, quoted(r.Name))
	fmt.Fprintf(&b, "  start: %s\n  end: %s\n  interval: %s\n", instant(r.Start), instant(r.End), r.Interval)
	if r.Metrics != "" && r.Metrics != "metrics.om.gz" {
		fmt.Fprintf(&b, "  metrics: %s\n", quoted(r.Metrics))
	}
	r.writeSystem(&b)
	r.writeReleases(&b)
	for i, c := range r.System.Changes {
		fmt.Fprintf(&b, "%s  - {id: %s, at: %s%s}\n", first(i, "  changes:\n"), quoted(c.ID), instant(c.At), field(", what", c.What))
	}
	for i, s := range r.System.Signals {
		b.WriteString(first(i, "  signals:\n") + signalText(s))
	}
	return []byte(b.String())
}

// MakeFolder makes the folder of a recording, and says whether it did: not
// when there was one.
func MakeFolder(dir string) (made bool, err error) {
	_, err = os.Stat(dir)
	made = errors.Is(err, fs.ErrNotExist)
	return made, os.MkdirAll(dir, 0o755)
}

// Discard takes files of a recording that did not become whole out of its
// folder, and the folder too when it was made for them and nothing else is in
// it. What cannot be taken away stays.
func Discard(dir string, made bool, files ...string) {
	for _, name := range files {
		_ = os.Remove(filepath.Join(dir, name))
	}
	if made {
		_ = os.Remove(dir)
	}
}

// first returns a text before the first of several.
func first(i int, text string) string {
	if i == 0 {
		return text
	}
	return ""
}

// field returns "name: value" in quotes; "" when there is no value.
func field(name, value string) string {
	if value == "" {
		return ""
	}
	return name + ": " + quoted(value)
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// quoted writes a text as one YAML scalar that is read as the same text.
func quoted(s string) string {
	plain := func(r rune) bool { return r >= ' ' && r < 0x7F || r >= 0xA1 && r < 0xD800 }
	if !slices.ContainsFunc([]rune(s), func(r rune) bool { return !plain(r) }) {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case plain(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	return b.String() + `"`
}

func (r *Recording) writeSystem(b *strings.Builder) {
	sys, n := r.System, 0
	for i := range sys.Services {
		for _, j := range sys.Graph.Callees(i) {
			e, needs := sys.Graph.Call(i, j), ""
			if e.Share != 0 && e.Share != 1 {
				needs += ", share: " + strconv.FormatFloat(e.Share, 'g', -1, 64)
			}
			if e.Fallback != 0 {
				needs += ", fallback: " + strconv.FormatFloat(e.Fallback, 'g', -1, 64)
			}
			fmt.Fprintf(b, "%s  - {from: %s, to: %s%s}\n", first(n, "  topology:\n"), quoted(sys.Services[i].Name), quoted(sys.Services[j].Name), needs)
			n++
		}
	}
	for i, s := range sys.Services {
		weight := ""
		if s.Criticality != 1 {
			weight = ", criticality: " + strconv.FormatFloat(s.Criticality, 'g', -1, 64)
		}
		if v := s.Visits; v.Requests > 0 {
			weight += ", requestsPerUser: " + strconv.FormatFloat(v.Requests, 'g', -1, 64)
			if v.Sticky {
				weight += ", sticky: true"
			}
		}
		fmt.Fprintf(b, "%s  - {name: %s%s%s}\n", first(i, "  services:\n"), quoted(s.Name), field(", selector", s.Selector), weight)
	}
}

func (r *Recording) writeReleases(b *strings.Builder) {
	for i, rel := range r.System.Releases {
		fmt.Fprintf(b, "%s  - id: %s\n    service: %s\n", first(i, "  releases:\n"), quoted(rel.ID), quoted(r.System.Services[rel.Service].Name))
		for _, f := range []string{field("from", rel.From), field("to", rel.To)} {
			if f != "" {
				b.WriteString("    " + f + "\n")
			}
		}
		if rel.Strategy > release.CanaryRelease {
			fmt.Fprintf(b, "    strategy: %s\n", strategies[rel.Strategy-1])
		}
		if rel.Canary != "" {
			fmt.Fprintf(b, "    cohorts: {canary: %s%s}\n", quoted(rel.Canary), field(", control", rel.Control))
		}
		b.WriteString("    steps:\n")
		for _, s := range rel.Steps {
			b.WriteString("    - " + stepText(s) + "\n")
		}
		if rel.Rollback > release.SafetyUnknown {
			fmt.Fprintf(b, "    change: {rollback: %s}\n", safeties[rel.Rollback-1])
		}
	}
}

func stepText(s release.Step) string {
	text := fmt.Sprintf("{at: %s, weight: %s", instant(s.At), strconv.FormatFloat(100*s.Weight, 'g', 15, 64))
	if s.CompletedAt.After(s.At) {
		text += ", completedAt: " + instant(s.CompletedAt)
	}
	if s.CanaryReplicas > 0 {
		text += fmt.Sprintf(", canaryReplicas: %d", s.CanaryReplicas)
	}
	if s.ControlReplicas > 0 {
		text += fmt.Sprintf(", controlReplicas: %d", s.ControlReplicas)
	}
	return text + "}"
}

func signalText(s signal.Signal) string {
	text := fmt.Sprintf("  - name: %s\n    kind: %s\n    query: %s\n", quoted(s.Name), s.Kind, quoted(s.Query))
	if s.Unit.Name != "" {
		text += "    " + field("unit", s.Unit.Name) + "\n"
	}
	if s.Scope == signal.PerService {
		text += "    scope: service\n"
	}
	if s.Worse != 0 {
		text += fmt.Sprintf("    worse: %s\n", s.Worse)
	}
	switch {
	case s.Limit.Set && s.Limit.Query != "":
		text += "    " + field("limit", s.Limit.Query) + "\n"
	case s.Limit.Set:
		text += "    limit: " + strconv.FormatFloat(s.Limit.Value/s.Unit.Scale, 'g', 15, 64) + "\n"
	}
	return text
}

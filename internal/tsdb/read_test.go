package tsdb

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/foreshock/foreshock/engine"
)

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func zst(s string) string {
	var b bytes.Buffer
	w, _ := zstd.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func read(t testing.TB, name, text string, o Options) (*DB, error) {
	t.Helper()
	db, err := Read(context.Background(), strings.NewReader(text), name, o)
	if err == nil {
		t.Cleanup(func() { db.Close() })
	}
	return db, err
}

func TestReadErrors(t *testing.T) {
	long := text(10, 3000) // three chunks
	tests := []struct {
		name, file, text string
		o                Options
		want             string
	}{
		{"empty", "m.om", "", Options{}, "m.om: the file is empty; want OpenMetrics text that ends in # EOF"},
		{"empty gzip", "m.om.gz", gz(""), Options{}, "m.om.gz:1: the last line is not # EOF, so the file may be cut short; copy it again, or append the line '# EOF' when it is whole"},
		{"nothing but the end", "m.om", "# EOF\n", Options{}, "m.om:1: there is no sample; want lines 'name{label=\"value\"} value timestamp'"},
		{"no end", "m.om", "a 1 1\nb 2 2\n", Options{}, "m.om:2: the last line is not # EOF, so the file may be cut short; copy it again, or append the line '# EOF' when it is whole"},
		{"end of line missing", "m.om", "a 1 1\nb 2", Options{}, "m.om:2: the last line is not # EOF, so the file may be cut short; copy it again, or append the line '# EOF' when it is whole"},
		{"data after the end", "m.om", "a 1 1\n# EOF\nb 2 2\n# EOF\n", Options{}, "m.om:3: unexpected data after # EOF"},
		{"no gzip", "m.om.gz", "a 1 1\n# EOF\n", Options{}, "m.om.gz: read gzip: this is no gzip; compress the file or take the ending off its name"},
		{"no zstd", "m.om.zst", "a 1 1\n# EOF\n", Options{}, "m.om.zst: read zstd: this is no zstd; compress the file or take the ending off its name"},
		{"truncated gzip", "m.om.gz", gz(long)[:2000], Options{}, "m.om.gz:299: read gzip: the file is cut short; copy or record it again"},
		{"truncated zstd", "m.om.zst", zst(long)[:2000], Options{}, "m.om.zst: read zstd: the file is cut short; copy or record it again"},
		{"gzip bomb", "m.om.gz", gz(strings.Repeat("a 1 1\n", 1<<20)), Options{MaxBytes: 1 << 20}, "m.om.gz:1: more than 1 MiB of text after decompression; record a shorter time or fewer series, or raise the limit"},
		{"one endless line", "m.om.gz", gz(strings.Repeat("a", 4<<20)), Options{}, "m.om.gz:1: the line is longer than 1 MiB; is this OpenMetrics text?"},
		{"too many samples", "m.om", text(1, 5), Options{MaxSamples: 4}, "m.om:6: more than 4 samples; record a shorter time or fewer series, or raise the limit"},
		{"too many series", "m.om", text(3, 1), Options{MaxSeries: 2}, "m.om:4: more than 2 series; record fewer, or raise the limit"},
		{"unsorted", "m.om", "# TYPE a gauge\na{b=\"c\"} 1 120\na{b=\"c\"} 1 60\n# EOF\n", Options{}, "m.om:3: series a{b=\"c\"} goes back in time, from 120 (1970-01-01T00:02:00Z) to 60 (1970-01-01T00:01:00Z); sort each series by time"},
		{"twice", "m.om", "a 1 120.5\na 1 120.5\n# EOF\n", Options{}, "m.om:2: series a has two samples at 120.500 (1970-01-01T00:02:00Z); drop one"},
		{"twice in other words", "m.om", "a{b=\"1\",c=\"2\"} 1 60\na{c=\"2\",b=\"1\"} 1 60\n# EOF\n", Options{}, "m.om:2: series a{c=\"2\",b=\"1\"} has two samples at 60 (1970-01-01T00:01:00Z); drop one"},
		{"no timestamp", "m.om", "# TYPE a gauge\n# HELP a x\na 1\n# EOF\n", Options{}, "m.om:3: the sample has no timestamp; write it behind the value, in seconds"},
		{"no value", "m.om", "a 1 60\nb x 60\n# EOF\n", Options{}, "m.om:2: \"x\" is not a number"},
		{"open label", "m.om", "a{b=\"c} 1 60\n# EOF\n", Options{}, "m.om:1: expected label value, got \"\\\"c} 1 60\\n\" (\"INVALID\")"},
		{"label twice", "m.om", "a{b=\"1\",b=\"2\"} 1 60\n# EOF\n", Options{}, "m.om:1: label b stands twice"},
		{"not UTF-8", "m.om", "a{b=\"\xff\"} 1 60\n# EOF\n", Options{}, "m.om:1: invalid UTF-8 label value: \"\\\"\\xff\\\"\""},
		{"fault in the third chunk", "m.om", strings.Replace(long, "# EOF", "a 1\n# EOF", 1), Options{}, "m.om:30002: the sample has no timestamp; write it behind the value, in seconds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(t, tt.file, tt.text, tt.o)
			if err == nil {
				t.Fatalf("Read(%q) has no error, want %s", tt.name, tt.want)
			}
			if err.Error() != tt.want {
				t.Errorf("Read(%q):\n got %s\nwant %s", tt.name, err, tt.want)
			}
			var file *FileError
			if !errors.As(err, &file) || file.Hint() == "" {
				t.Errorf("Read(%q) gives %T, want a *FileError with a hint", tt.name, err)
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(t.Context(), dir, Options{}); err == nil || err.Error() != "read blocks in "+dir+": there is no block; want folders with meta.json, index and chunks, as Prometheus and promtool write them" {
		t.Errorf("Open of an empty folder: %v", err)
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "x.om"), Options{}); err == nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of no file: %v, want os.ErrNotExist", err)
	}
}

// one answers a query at the minutes 0 … n−1 since the epoch + 1 h.
func one(t *testing.T, db *DB, query string, n int) []engine.Series {
	t.Helper()
	start := time.Unix(3600, 0).UTC()
	s, err := db.Range(t.Context(), query, start, start.Add(time.Duration(n-1)*time.Minute), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFormats(t *testing.T) {
	plain := text(3, 100)
	for name, in := range map[string]string{"m.om": plain, "m.om.gz": gz(plain), "m.om.zst": zst(plain), "m.txt.gz": gz(plain)} {
		db, err := read(t, name, in, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if db.Samples() != 300 || db.Series() != 3 {
			t.Errorf("%s: %d samples of %d series, want 300 of 3", name, db.Samples(), db.Series())
		}
	}
}

// TestHours reads one series after another, each hours long: the head must
// take samples far older than the newest.
func TestHours(t *testing.T) {
	var b strings.Builder
	for _, name := range []string{"a", "b"} {
		for k := range 3 * 24 * 60 {
			fmt.Fprintf(&b, "%s %d %d\n", name, k, 3600+60*k)
		}
	}
	db, err := read(t, "m.om", b.String()+"# EOF\n", Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := one(t, db, "b", 3*24*60)
	if len(s) != 1 || len(s[0].Samples) != 3*24*60 || s[0].Samples[4000].Value != 4000 {
		t.Errorf("b has %d series", len(s))
	}
}

// TestTypeAcrossChunks holds that the type of a metric is known in every
// chunk: the bounds of a histogram's buckets are spelled one way.
func TestTypeAcrossChunks(t *testing.T) {
	var b strings.Builder
	b.WriteString("# TYPE h histogram\n")
	for bound := range 2 { // 1.3 MB each
		for k := range 30_000 {
			fmt.Fprintf(&b, "h_bucket{le=\"%d\",filler=\"0123456789\"} %d %d\n", bound, k, 3600+k)
		}
	}
	db, err := read(t, "m.om", b.String()+"# EOF\n", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s := one(t, db, `h_bucket{le="1.0"}`, 500); len(s) != 1 || len(s[0].Samples) != 500 {
		t.Errorf("the bucket le=1.0 is %v", s)
	}
}

func TestNotNumbers(t *testing.T) {
	db, err := read(t, "m.om", "a NaN 3600\na +Inf 3660\na -Inf 3720\na 7 3780\n# EOF\n", Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := one(t, db, "a", 4)
	if len(s) != 1 || len(s[0].Samples) != 4 {
		t.Fatalf("a = %v, want 4 samples", s)
	}
	v := s[0].Samples
	if !math.IsNaN(v[0].Value) || !math.IsInf(v[1].Value, 1) || !math.IsInf(v[2].Value, -1) || v[3].Value != 7 {
		t.Errorf("a = %v, want NaN, +Inf, -Inf, 7", v)
	}
}

// TestLookBack holds that a sample serves for just under the look-back.
func TestLookBack(t *testing.T) {
	db, err := read(t, "m.om", "a 1 3600\na 2 3900\n# EOF\n", Options{LookBack: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var at []int
	for _, v := range one(t, db, "a", 8)[0].Samples {
		at = append(at, int(v.At.Unix()-3600)/60)
	}
	if fmt.Sprint(at) != "[0 1 5 6]" {
		t.Errorf("a answers at minutes %v, want [0 1 5 6]", at)
	}
}

// TestNative reads a native histogram in OpenMetrics 2.0 text. Its buckets
// are (0.5, 1], (1, 2] and (2, 4] with 1, 2 and 1 observations, by hand of
// schema 0.
func TestNative(t *testing.T) {
	db, err := read(t, "m.om", `# TYPE h histogram
h{pod="a"} {count:4,sum:7,schema:0,zero_threshold:0.001,zero_count:0,positive_spans:[0:3],positive_buckets:[1,2,1]} 3600
h{pod="a"} {count:8,sum:14,schema:0,zero_threshold:0.001,zero_count:0,positive_spans:[0:3],positive_buckets:[2,4,2]} 3660
# EOF
`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := one(t, db, "h", 2)
	if len(s) != 1 || len(s[0].Samples) != 2 || s[0].Samples[0].Histogram == nil {
		t.Fatalf("h = %v, want two histograms", s)
	}
	h := s[0].Samples[0].Histogram
	if h.Count != 4 || h.Sum != 7 || fmt.Sprint(h.Upper) != "[1 2 4]" || fmt.Sprint(h.Counts) != "[1 3 4]" {
		t.Errorf("h = %+v", h)
	}
}

func TestNativeErrorLine(t *testing.T) {
	_, err := read(t, "m.om", `# TYPE h histogram
h {count:1,sum:1,bucket:[1:1,+Inf:1]} 60
h {count:1,sum:1,bucket:[1:1,+Inf:1]} 120
h {count:1,sum:1,bucket:[1:1]} 180
# EOF
`, Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "m.om:4: ") {
		t.Errorf("error is %v, want one in line 4", err)
	}
}

func TestQueryErrors(t *testing.T) {
	db, err := read(t, "m.om", "a{x=\"1\"} 1 3600\na{x=\"2\"} 1 3600\nb 1 3600\n# EOF\n", Options{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ query, want string }{
		{"sum(rate(a[5m]", "query: unclosed left parenthesis\n  sum(rate(a[5m]\n                ^"},
		{"rate(a)", "query: expected type range vector in call to function \"rate\", got instant vector\n  rate(a)\n       ^"},
		{"a\n  + µ", "query: unexpected character: 'µ'\n    + µ\n      ^"},
		{"a @ end()", "query: the @ modifier looks ahead of the frame; leave it out\n  a @ end()\n  ^"},
		{"1 + a offset -1m", "query: a negative offset looks ahead of the frame; leave it out\n  1 + a offset -1m\n      ^"},
		{"sum_over_time(a[5m:1m] offset -1m)", "query: a negative offset looks ahead of the frame; leave it out\n  sum_over_time(a[5m:1m] offset -1m)\n                ^"},
		{`"text"`, "query: invalid expression type \"string\" for range query, must be Scalar or instant Vector\n  \"text\"\n  ^"},
	}
	for _, tt := range slices.Concat(tests, tests) { // what was refused once is refused again
		_, err := db.Range(t.Context(), tt.query, time.Unix(3600, 0), time.Unix(3600, 0), time.Minute)
		if _, ok := errors.AsType[*engine.QueryError](err); !ok {
			t.Errorf("Range(%q) gives %T %v, want a *engine.QueryError", tt.query, err, err)
		} else if err.Error() != tt.want {
			t.Errorf("Range(%q):\n got %s\nwant %s", tt.query, err, tt.want)
		}
	}
	_, err = db.Range(t.Context(), "a + on() b", time.Unix(3600, 0), time.Unix(3600, 0), time.Minute)
	if _, ok := errors.AsType[*engine.EvaluationError](err); !ok {
		t.Errorf("many to one gives %T %v, want a *engine.EvaluationError", err, err)
	}
}

func TestCloseRemovesFiles(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	db, err := Read(t.Context(), strings.NewReader("a 1 60\n# EOF\n"), "m.om", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("Close left %v", left)
	}
	if _, err := Read(t.Context(), strings.NewReader("a"), "m.om", Options{}); err == nil {
		t.Fatal("want an error")
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("a failed Read left %v", left)
	}
}

func TestCancel(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	stop(cause)
	if _, err := Read(ctx, strings.NewReader(text(1, 1)), "m.om", Options{}); !errors.Is(err, cause) {
		t.Errorf("Read after cancel gives %v, want the cause", err)
	}
}

package cli

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/release"
)

// recordings returns the folder of real recordings, which carry no licence
// and so are not part of this repository.
func recordings(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("FORESHOCK_RECORDINGS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data", "recordings")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real recordings at %s: set FORESHOCK_RECORDINGS to a folder that holds some", dir)
	}
	return dir
}

// A sample is one line of OpenMetrics text.
type sample struct {
	name, labels string
	value        float64
	at           float64
}

// A copyOf is a recording that can be changed and written.
type copyOf struct {
	yaml    string
	head    []string // HELP and TYPE lines by family, in order
	samples []sample
}

var sampleLine = regexp.MustCompile(`^(\w+)\{(.*)\} (\S+) (\S+)$`)

// readCopy reads a recording whose metrics are gzipped gauges and counters.
func readCopy(t *testing.T, dir string) copyOf {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "recording.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "metrics.om.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	c := copyOf{yaml: string(text)}
	for in := bufio.NewScanner(z); in.Scan(); {
		line := in.Text()
		if strings.HasPrefix(line, "#") {
			c.head = append(c.head, line)
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("line %q is no sample", line)
		}
		v, _ := strconv.ParseFloat(m[3], 64)
		at, _ := strconv.ParseFloat(m[4], 64)
		c.samples = append(c.samples, sample{name: m[1], labels: m[2], value: v, at: at})
	}
	return c
}

// write writes the recording to a new folder. Families stand together.
func (c copyOf) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "recording.yaml"), []byte(c.yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for _, line := range c.head {
		if !strings.HasPrefix(line, "# TYPE") {
			continue
		}
		fmt.Fprintln(z, line)
		family := strings.Fields(line)[2]
		for _, s := range c.samples {
			if strings.TrimSuffix(s.name, "_total") == family {
				fmt.Fprintf(z, "%s{%s} %s %s\n", s.name, s.labels, strconv.FormatFloat(s.value, 'g', -1, 64), strconv.FormatFloat(s.at, 'f', -1, 64))
			}
		}
	}
	fmt.Fprintln(z, "# EOF")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "metrics.om.gz"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// noisy multiplies every value, or every increase of a counter, by 0.8 to 1.2.
// Of a share of successes it is the failures that are multiplied: a service
// that never fails does not begin to.
func (c copyOf) noisy(r *rand.Rand) copyOf {
	c.samples = slices.Clone(c.samples)
	last, sum := map[string]float64{}, map[string]float64{}
	for i := range c.samples {
		s := &c.samples[i]
		factor := 1 + 0.2*(2*r.Float64()-1)
		if !strings.HasSuffix(s.name, "_total") {
			if strings.Contains(s.name, "success_ratio") {
				s.value = math.Max(0, 1-(1-s.value)*factor)
			} else {
				s.value *= factor
			}
			continue
		}
		key := s.name + s.labels
		if before, ok := last[key]; ok && s.value >= before {
			sum[key] += (s.value - before) * factor
		} else {
			sum[key] = s.value
		}
		last[key], s.value = s.value, sum[key]
	}
	return c
}

// renamed gives every service a name that says nothing.
func (c copyOf) renamed() copyOf {
	names := regexp.MustCompile(`(?m)(?:service: |name: |from: |to: )([a-z][a-z0-9-]+)`).FindAllStringSubmatch(c.yaml, -1)
	seen := map[string]string{}
	var pairs []string
	for _, m := range names {
		if n := m[1]; seen[n] == "" && len(n) > 3 && (strings.Contains(c.samples[0].labels, n) || strings.Contains(c.yaml, `"`+n+`"`)) {
			seen[n] = fmt.Sprintf("unit%02d", len(seen))
			pairs = append(pairs, n)
		}
	}
	slices.SortFunc(pairs, func(a, b string) int { return len(b) - len(a) })
	var words []string
	for _, p := range pairs {
		words = append(words, p, seen[p])
	}
	r := strings.NewReplacer(words...)
	// Names of signals are words of their own and stay.
	c.yaml = r.Replace(c.yaml)
	c.samples = slices.Clone(c.samples)
	for i := range c.samples {
		c.samples[i].labels = r.Replace(c.samples[i].labels)
	}
	return c
}

// halved keeps every second scrape, at twice the interval.
func (c copyOf) halved(start time.Time, interval time.Duration) copyOf {
	in := c.samples
	c.samples = nil
	for _, s := range in {
		k := math.Round((s.at - float64(start.Unix())) / interval.Seconds())
		if math.Mod(k, 2) == 0 {
			c.samples = append(c.samples, s)
		}
	}
	c.yaml = regexp.MustCompile(`interval: \S+`).ReplaceAllString(c.yaml, "interval: "+(2*interval).String())
	return c
}

// dropped loses a tenth of the scrapes: all samples of one label set's
// instance at one moment.
func (c copyOf) dropped(r *rand.Rand) copyOf {
	in, lost := c.samples, map[string]bool{}
	c.samples = nil
	instance := regexp.MustCompile(`(?:pod|node)="[^"]*"|service="[^"]*"`)
	for _, s := range in {
		all := instance.FindAllString(s.labels, -1)
		key := fmt.Sprint(s.at)
		if len(all) > 0 {
			key += all[len(all)-1]
		}
		if _, ok := lost[key]; !ok {
			lost[key] = r.Float64() < 0.1
		}
		if !lost[key] {
			c.samples = append(c.samples, s)
		}
	}
	return c
}

// verdicts plays a recording and returns verdict and warning of every release
// in its order.
func verdicts(t *testing.T, dir string) []string {
	t.Helper()
	p, err := play(context.Background(), dir, until{}, listener{})
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	out := make([]string, 0, len(p.summary.Releases))
	for _, r := range p.summary.Releases {
		out = append(out, verdictOf(r))
	}
	return out
}

// verdictOf is what a deployer would have done: stopped or held it because of
// it, promoted it, or neither.
func verdictOf(r release.Outcome) string {
	switch {
	case r.FirstWarnAt != nil:
		return "warned"
	case r.FirstPromoteAt != nil:
		return "promoted"
	default:
		return "waited"
	}
}

// TestPerturbed holds that noise, other names, a longer interval and lost
// scrapes leave at least nine verdicts in ten as they were.
func TestPerturbed(t *testing.T) {
	if testing.Short() {
		t.Skip("plays every real recording five times")
	}
	which := "*"
	if raced {
		which = "shop-*" // the others take minutes, and nothing in them is concurrent
	}
	dirs, err := filepath.Glob(filepath.Join(recordings(t), which, "recording.yaml"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	ways := []string{"noise", "names", "interval", "scrapes"}
	kept, all := map[string]int{}, map[string]int{}
	for i, file := range dirs {
		dir := filepath.Dir(file)
		rec, err := recording.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		c, want := readCopy(t, dir), verdicts(t, dir)
		r := rand.New(rand.NewPCG(1, uint64(i)))
		for way, changed := range map[string]copyOf{
			"noise": c.noisy(r), "names": c.renamed(), "interval": c.halved(rec.Start, rec.Interval), "scrapes": c.dropped(r),
		} {
			got := verdicts(t, changed.write(t))
			for k := range want {
				all[way]++
				if got[k] == want[k] {
					kept[way]++
				} else {
					t.Logf("%s of %s, release %d: %s, was %s", way, rec.Name, k, got[k], want[k])
				}
			}
		}
	}
	for _, way := range ways {
		t.Logf("%s: %d of %d verdicts kept", way, kept[way], all[way])
		if kept[way]*10 < all[way]*9 {
			t.Errorf("%s: %d of %d verdicts kept, want nine in ten", way, kept[way], all[way])
		}
	}
}

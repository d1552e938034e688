package tsdb

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// text returns OpenMetrics text of n series of m samples, one a minute.
func text(n, m int) string {
	var b strings.Builder
	b.WriteString("# TYPE requests counter\n")
	for s := range n {
		for k := range m {
			fmt.Fprintf(&b, "requests_total{service=\"cart\",version=\"v%d\",pod=\"cart-7f9c5d-%04d\",code=\"200\"} %d %d\n", s%2, s, 17*k+s, 1_700_000_000+60*k)
		}
	}
	b.WriteString("# EOF\n")
	return b.String()
}

// BenchmarkRead holds the speed of reading text. Run it with -cpu 1.
func BenchmarkRead(b *testing.B) {
	const series, samples = 500, 400
	in := []byte(text(series, samples))
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		db, err := Read(b.Context(), bytes.NewReader(in), "metrics.om", Options{})
		if err != nil {
			b.Fatal(err)
		}
		if db.Samples() != series*samples {
			b.Fatalf("Samples() = %d, want %d", db.Samples(), series*samples)
		}
		db.Close()
	}
	b.ReportMetric(float64(series*samples*b.N)/b.Elapsed().Seconds(), "samples/s")
}

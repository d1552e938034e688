package tsdb

import (
	"strings"
	"testing"
)

// FuzzRead holds the laws of reading: any text gives an error or a DB that
// can be closed, never a panic, and never more than the limits.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"# TYPE a counter\na_total{b=\"c\"} 1 60\na_total{b=\"c\"} 2 120 # {t=\"x\"} 1\n# EOF\n",
		"# TYPE h histogram\nh {count:4,sum:7,schema:0,zero_threshold:0.001,zero_count:0,positive_spans:[0:3],positive_buckets:[1,2,1]} 60\n# EOF\n",
		"{\"a.b\",c=\"d\"} NaN 1e9\n# EOF\n", "a 1\n", "", "# EOF", "a 1 -1\n# EOF\n",
	} {
		f.Add(s, byte(0))
		f.Add(gz(s), byte(1))
		f.Add(zst(s), byte(2))
	}
	f.Fuzz(func(t *testing.T, text string, format byte) {
		name := "m.om" + []string{"", ".gz", ".zst"}[format%3]
		db, err := Read(t.Context(), strings.NewReader(text), name, Options{MaxBytes: 1 << 16, MaxSamples: 1000, MaxSeries: 100})
		if err != nil {
			if err.Error() == "" || db != nil {
				t.Fatalf("error %q with DB %v", err, db)
			}
			return
		}
		if db.Samples() == 0 || db.Samples() > 1000 || db.Series() > 100 {
			t.Errorf("%d samples of %d series are not within the limits", db.Samples(), db.Series())
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

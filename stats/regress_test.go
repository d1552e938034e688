package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestRegress(t *testing.T) {
	x := []Terms{
		{1, 0, -1, 1},
		{1, 0, -0.8, 0.64},
		{1, 0.1, -0.6, 0.36},
		{1, 0.1, -0.4, 0.16},
		{1, 0.25, -0.2, 0.04},
		{1, 0.4, 0, 0},
		{1, 0.4, -0.1, 0.01},
	}
	y := []float64{0.31, 0.29, 0.42, 0.38, 0.57, 0.71, 0.69}
	w := []float64{1, 2, 1, 1, 0.5, 1, 3}
	// Exact, by Gauss' elimination over Python's fractions.Fraction.
	tests := []struct {
		n             int
		beta          Terms
		rss           float64
		i00, i01, i11 float64
		at, leverage  float64 // at the terms 1 and 0.7
	}{
		{
			2,
			Terms{0.298868501529052, 0.9951944080384447},
			0.0016509392747924858,
			0.2415902140672783, -0.672782874617737, 3.3202271734381825, 0.9955045871559633, 0.926605504587156,
		},
		{
			4,
			Terms{0.2944275013177529, 1.0109674162391702, 0.017822144188152846, 0.029163171218791528},
			0.0015574922605216075,
			18.073847368329883, -38.63530290994489, 84.5697938861214, 1.0021046926851722, 5.423622298606523,
		},
	}
	for _, tt := range tests {
		r, ok := Regress(tt.n, x, y, w)
		if !ok || r.Rows != len(x) {
			t.Fatalf("Regress(%d) of %d rows: %v", tt.n, r.Rows, ok)
		}
		for i := range tt.n {
			if !near(r.Beta[i], tt.beta[i], 1e-9) {
				t.Errorf("Regress(%d).Beta[%d] = %v, want %v", tt.n, i, r.Beta[i], tt.beta[i])
			}
		}
		v := Terms{1, 0.7}
		for _, c := range []struct {
			what      string
			got, want float64
		}{
			{"RSS", r.RSS, tt.rss},
			{"Inverse[0][0]", r.Inverse[0][0], tt.i00},
			{"Inverse[0][1]", r.Inverse[0][1], tt.i01},
			{"Inverse[1][0]", r.Inverse[1][0], tt.i01},
			{"Inverse[1][1]", r.Inverse[1][1], tt.i11},
			{"At", r.At(v), tt.at},
			{"Leverage", r.Leverage(v), tt.leverage},
		} {
			if !near(c.got, c.want, 1e-9) {
				t.Errorf("Regress(%d): %s = %v, want %v", tt.n, c.what, c.got, c.want)
			}
		}
	}
	for _, n := range []int{0, 3, 5} { // the third column is the second
		if r, ok := Regress(n, []Terms{{1, 2, 2}, {1, 3, 3}, {1, 5, 5}, {1, 7, 7}}, []float64{1, 2, 3, 4}, []float64{1, 1, 1, 1}); ok {
			t.Errorf("Regress(%d) of dependent terms = %+v, want not ok", n, r)
		}
	}
	if _, ok := Regress(3, x[:2], y[:2], w[:2]); ok {
		t.Error("Regress of fewer rows than terms is ok")
	}
}

// TestRegressDrop: what is left without the last term is what is left with it,
// and its estimate squared over its place in the inverse.
func TestRegressDrop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.Float64Range(-1, 1)
		var x []Terms
		var y, w []float64
		for i := range rapid.IntRange(6, 30).Draw(t, "rows") {
			x = append(x, Terms{1, float64(i%4) / 4, unit.Draw(t, "x")})
			y = append(y, unit.Draw(t, "y"))
			w = append(w, 0.1+math.Abs(unit.Draw(t, "weight")))
		}
		with, ok := Regress(3, x, y, w)
		without, both := Regress(2, x, y, w)
		if !ok || !both {
			return
		}
		if want := with.RSS + with.Beta[2]*with.Beta[2]/with.Inverse[2][2]; !near(without.RSS, want, 1e-6) {
			t.Fatalf("%v is left without the last term, want %v", without.RSS, want)
		}
	})
}

func TestHistoryOver(t *testing.T) {
	h := NewHistory(10)
	for f := range 200 {
		x := float64(f)
		if f == 50 {
			x = math.NaN()
		}
		h.Add(10+f, x)
	}
	// Blocks of 4 frames. By hand: block 3 holds 12..15, of which a quarter
	// counts in the frames 24..25, and so on.
	tests := []struct {
		from, to int
		want     float64
	}{
		{22, 25, 13.5},                             // block 3
		{22, 29, 15.5},                             // blocks 3 and 4
		{24, 27, 15.5},                             // half of each
		{22, 26, 14.3},                             // block 3 and a quarter of 4: (54 + 70/4)/5
		{58, 61, (48 + 49 + 51) / 3.0},             // one missing
		{0, 13, 1.5},                               // from before the first
		{206, 999, 197.5},                          // to after the last
		{0, 9, math.NaN()}, {300, 400, math.NaN()}, // nothing
	}
	for _, tt := range tests {
		if got := h.Over(tt.from, tt.to); !near(got, tt.want, 1e-12) {
			t.Errorf("Over(%d, %d) = %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}

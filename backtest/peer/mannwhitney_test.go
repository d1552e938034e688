package peer

import (
	"errors"
	"math"
	"testing"
)

// The samples of Kayenta's MannWhitneySuite that are held against R.
var (
	tieOutExperiment = []float64{
		2.5, 2.5, 2.0, 2.5, 3.5, 2.0, 3.5, 1.5, 3.0, 3.0, 2.5, 3.5, 2.0, 2.5, 2.0, 2.0, 5.0, 3.0, 2.0, 1.5, 2.0, 4.0, 3.0,
		2.5, 3.0, 2.0, 2.0, 2.0, 2.5, 3.5, 1.5, 1.5, 3.5, 2.0, 2.5, 2.5, 3.0, 3.5, 2.5, 6.5, 2.5, 4.0, 2.5, 3.0, 2.5, 6.5,
		2.5, 3.0, 1.5, 2.0, 2.5, 3.0, 7.5, 1.5, 2.0, 4.0, 2.5, 2.0, 2.5, 3.5, 4.0, 2.5, 3.0, 2.5, 2.0, 3.5, 3.0, 16.5, 3.0,
		3.0, 7.0, 4.5, 5.0, 2.0, 3.5, 6.0, 1.5, 3.0, 2.5, 4.0, 3.0, 1.5, 5.0, 3.0, 2.5, 5.5, 3.0, 1.5, 2.5, 6.0,
	}
	tieOutControl = []float64{
		1.5, 6.0, 5.0, 2.5, 2.5, 2.0, 2.0, 3.5, 3.0, 3.0, 3.0, 2.0, 3.0, 8.0, 4.0, 2.5, 3.0, 2.5, 2.5, 2.0, 2.5, 2.0, 2.0,
		2.5, 3.5, 3.0, 1.5, 5.0, 2.5, 5.5, 2.0, 2.5, 3.5, 2.0, 2.5, 4.0, 2.0, 2.0, 2.0, 2.0, 5.5, 4.5, 4.0, 3.0, 3.0, 3.5,
		2.5, 3.0, 2.5, 4.0, 6.0, 2.0, 5.0, 6.0, 3.5, 3.0, 54.5, 3.0, 5.0, 6.0, 3.5, 4.5, 2.5, 2.0, 6.0, 5.0, 2.5, 3.5, 2.0,
		3.0, 2.5, 3.5, 3.5, 2.5, 3.0, 4.5, 3.0, 15.5, 5.0, 2.5, 3.0, 4.0, 3.5, 4.0, 4.0, 2.0, 4.5, 2.5, 4.0, 3.0,
	}
)

// TestMannWhitney holds the interval against the numbers of Kayenta's own
// suite, to its own tolerance of 1e-6.
func TestMannWhitney(t *testing.T) {
	tests := []struct {
		name                string
		x, y                []float64
		low, high, estimate float64 // NaN: the suite does not say
	}{
		{"returns expected values", []float64{10, 20, 30, 40}, []float64{1, 2, 3, 4}, 6, 39, 22.5},
		{"tie out with R", tieOutExperiment, tieOutControl, -0.500002521696696, -3.486287505871302e-5, math.NaN()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mannWhitney(tt.x, tt.y, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range []struct {
				name      string
				got, want float64
			}{{"low", got.low, tt.low}, {"high", got.high, tt.high}, {"estimate", got.estimate, tt.estimate}} {
				if math.Abs(v.got-v.want) > 1e-6 {
					t.Errorf("mannWhitney: %s = %v, want %v", v.name, v.got, v.want)
				}
			}
		})
	}
}

func TestMannWhitneyTied(t *testing.T) {
	if _, err := mannWhitney([]float64{1, 1}, []float64{2, 2}, 0.95); !errors.Is(err, errTied) {
		t.Errorf("mannWhitney of two constants = %v, want %v", err, errTied)
	}
}

// TestRankSum by hand: 1 2 2 3 has the ranks 1 2.5 2.5 4, and one tie of two.
func TestRankSum(t *testing.T) {
	ranks, ties := rankSum([]float64{2, 3}, []float64{1, 2})
	if ranks != 6.5 || ties != 6 {
		t.Errorf("rankSum = %v, %v, want 6.5, 6", ranks, ties)
	}
}

// TestZero finds roots of functions whose roots are known.
func TestZero(t *testing.T) {
	tests := []struct {
		name       string
		f          func(float64) float64
		a, b, want float64
	}{
		{"cosine", math.Cos, 1, 2, math.Pi / 2},
		{"cube", func(x float64) float64 { return x*x*x - 2 }, 0, 2, math.Cbrt(2)},
		{"at the left end", func(x float64) float64 { return x - 1 }, 1, 2, 1},
		{"at the right end", func(x float64) float64 { return x - 2 }, 1, 2, 2},
		{"a step at 0.3", func(x float64) float64 { return math.Copysign(1, x-0.3) }, 0, 1, 0.3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := zero(tt.a, tt.b, tt.f(tt.a), tt.f(tt.b), func(x float64) (float64, error) { return tt.f(x), nil })
			if err != nil || math.Abs(got-tt.want) > zeroTolerance {
				t.Errorf("zero = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

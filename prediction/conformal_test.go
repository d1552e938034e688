package prediction

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestMeets(t *testing.T) {
	tests := []struct {
		name     string
		p10, p90 float64
		from, to float64
		want     bool
	}{
		{"a step lies around it", 43.5, 66.2, 50, 75, true}, // what failed between 50 and 75 %
		{"all of it below the last step that held", 27.4, 49.9, 50, 75, false},
		{"it ends where the release still held", 27, 50, 50, 75, false},
		{"it begins where the release failed", 75, 90, 50, 75, true},
		{"all of it above", 75.1, 90, 50, 75, false},
		{"no upper end", 90, 130, 100, math.Inf(1), true},
		{"never, and said before", 60, 100, 100, math.Inf(1), false},
		{"exactly known, at its end", 10, 20, 20, 20, true},
		{"exactly known, past it", 10, 20, 20.01, 20.01, false},
	}
	for _, tt := range tests {
		f := Finished{Interval: Interval{P10: tt.p10, P90: tt.p90}, Came: true, From: tt.from, To: tt.to}
		if got := f.Meets(); got != tt.want {
			t.Errorf("%s: %v meets %v to %v: %v, want %v", tt.name, f.Interval, tt.from, tt.to, got, tt.want)
		}
	}
}

func TestWidenConformal(t *testing.T) {
	twice := Width{Log: math.Log(2)}
	tests := []struct {
		w    Width
		s    Scale
		v    Interval
		want Interval
	}{
		{Width{}, Ratios, Interval{0, 10, 40}, Interval{0, 10, 40}},
		{twice, Points, Interval{40, 50, 65}, Interval{30, 50, 80}},               // by hand: 50 − 2·10, 50 + 2·15
		{twice, Ratios, Interval{5, 10, 40}, Interval{2.5, 10, 160}},              // by hand: 10/2², 10·4²
		{twice, Ratios, Interval{0, 10, 20}, Interval{0, 10, 40}},                 // now is as soon as it gets
		{Width{Log: -math.Log(2)}, Ratios, Interval{1, 4, 16}, Interval{2, 4, 8}}, // by hand: square roots
	}
	for _, tt := range tests {
		got := tt.w.Widen(tt.s, tt.v)
		if math.Abs(got.P10-tt.want.P10)+math.Abs(got.P50-tt.want.P50)+math.Abs(got.P90-tt.want.P90) > 1e-9 {
			t.Errorf("Width{%v}.Widen(%v, %v) = %v, want %v", tt.w.Log, tt.s, tt.v, got, tt.want)
		}
	}
}

func TestAddConformal(t *testing.T) {
	said := Interval{40, 50, 60}
	tests := []struct {
		name string
		f    Finished
		was  float64 // logarithm
		want Width
	}{
		{"a miss", Finished{said, true, 70, 70}, 0, Width{N: 1, Came: 1, Log: 0.0888}},          // 0.111·0.8
		{"held", Finished{said, true, 55, 55}, 0, Width{N: 1, Right: 1, Came: 1, Log: -0.0222}}, // −0.111·0.2
		{"it did not come", Finished{said, false, 100, math.Inf(1)}, 0.5, Width{N: 1, Log: 0.5}},
		{"it may have held", Finished{said, true, 25, 50}, 0, Width{N: 1, Right: 1, Came: 1}},
		{"all that may be true is in it", Finished{said, true, 45, 60}, 0, Width{N: 1, Right: 1, Came: 1, Log: -0.0222}},
		{"it may have held, and takes back a widening", Finished{said, true, 0, 50}, 0.1, Width{N: 1, Right: 1, Came: 1, Log: 0.0778}},
		{"the bound", Finished{Interval{49, 50, 51}, true, 999, 999}, mostLog, Width{N: 1, Came: 1, Log: mostLog}},
	}
	for _, tt := range tests {
		got := Width{Log: tt.was}.Add(Points, tt.f)
		if math.Abs(got.Log-tt.want.Log) > 1e-12 {
			t.Errorf("%s: the logarithm is %v, want %v", tt.name, got.Log, tt.want.Log)
		}
		if got.Log = tt.want.Log; got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestConformalCoverage holds the law of the record: whatever the scale that a
// stream of intervals is wrong by, and also where it drifts, they come to hold
// eight in ten, within three in a hundred.
func TestConformalCoverage(t *testing.T) {
	const n, warm = 6000, 500
	streams := []struct {
		name  string
		scale func(k int) float64 // true spread over the one that is said
	}{
		{"as said", func(int) float64 { return 1 }},
		{"three times too narrow", func(int) float64 { return 3 }},
		{"three times too wide", func(int) float64 { return 1.0 / 3 }},
		{"drifting", func(k int) float64 { return math.Exp(1.2 * math.Sin(2*math.Pi*float64(k)/3000)) }},
		{"a break", func(k int) float64 { return map[bool]float64{true: 0.5, false: 2.5}[k < n/2] }},
	}
	for i, stream := range streams {
		for _, s := range []Scale{Points, Ratios} {
			r := rand.New(rand.NewPCG(uint64(i), uint64(s)))
			var w Width
			held := 0
			for k := range n {
				const z = 1.2815515655446004 // of 0.9
				e := stream.scale(k) * r.NormFloat64()
				f := Finished{Interval: Interval{50 - 10*z, 50, 50 + 10*z}, Came: true, From: 50 + 10*e, To: 50 + 10*e}
				if s == Ratios {
					f.Interval = Interval{60 * math.Exp(-0.5*z), 60, 60 * math.Exp(0.5*z)}
					f.From = 60 * math.Exp(0.5*e)
					f.To = f.From
				}
				was := w.Right
				if w = w.Add(s, f); k >= warm {
					held += w.Right - was
				}
			}
			if got := float64(held) / (n - warm); math.Abs(got-0.8) > 0.03 {
				t.Errorf("%s, scale %d: %.3f of the intervals held, want 0.8 ± 0.03 (the factor ends at %.2f)", stream.name, s, got, w.Factor())
			}
		}
	}
}

// TestConformalSteps holds that truths known only to a step make no interval
// narrower than it was said, and that too narrow ones still widen.
func TestConformalSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, spread := range []float64{2, 40} {
		var w Width
		for range 3000 {
			mid := 20 + 60*r.Float64()
			truth := mid + spread*r.NormFloat64()
			step := 25 * math.Ceil(truth/25)
			w = w.Add(Points, Finished{Interval: Interval{mid - 5, mid, mid + 5}, Came: true, From: step - 25, To: step})
		}
		if f := w.Factor(); f < 1 || spread == 40 && f < 2 {
			t.Errorf("a spread of %v under steps of 25 gives a factor of %.2f; want at least 1, and over 2 where it is far too narrow", spread, f)
		}
	}
}

// FuzzLoadConformal holds that no text makes it panic, and that what is read
// is written and read back.
func FuzzLoadConformal(f *testing.F) {
	c := Conformal{FailsAt: Width{N: 3, Right: 2, Came: 3, Log: 0.4}, NextStep: Width{N: 9, Right: 8}}
	data, err := c.Save()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"type":"track-record","version":1,"kinds":{"rung":{"n":1,"right":2}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := LoadConformal(data)
		if err != nil {
			return
		}
		text, err := c.Save()
		if err != nil {
			t.Fatal(err)
		}
		back, err := LoadConformal(text)
		if err != nil || *back != *c {
			t.Fatalf("LoadConformal(Save(%+v)) = %+v, %v", c, back, err)
		}
	})
}

func TestLoadConformal(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "not a track record",
		`{"type":"summary"}`:      "not a track record",
		`{"type":"track-record"}`: "version 0; want 1",
		`{"type":"track-record","version":1,"kinds":{"rung":{"n":1,"right":2}}}`:   "whose rung is damaged",
		`{"type":"track-record","version":1,"kinds":{"exhausts":{"logFactor":3}}}`: "whose exhausts is damaged",
	} {
		if _, err := LoadConformal([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("LoadConformal(%s): %v, want an error with %q", text, err, want)
		}
	}
	var c Conformal
	data, _ := c.Save()
	if got, err := LoadConformal(data); err != nil || *got != c || !bytes.HasSuffix(data, []byte("}\n")) {
		t.Errorf("an empty record reads back as %+v, %v", got, err)
	}
}

package peer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// The samples of Kayenta's ClassifierSuite: two around 10, two around 20.
var (
	ten = []float64{
		9.7767343120109462, 10.587071850477695, 7.8375506388901766, 9.3243326886113884, 8.3774505409784421, 8.9359264399606282,
		8.2707663324728511, 9.7484308126716925, 11.623746715547156, 9.2753442679633942, 8.1538047749171518, 10.562020975754294,
		13.498135575451835, 11.054419256110332, 6.9538903590055092, 12.521008342195479, 9.0216358603546443, 4.9234856699531662,
		11.251360203607172, 11.598449508040337, 8.435232204668182, 11.110228516867279, 10.70063380164755, 8.9212773652115249,
		10.086167067942661, 11.42107515483087, 9.3792347813644952, 7.7980320148552593, 10.62339807275746, 11.909642062063739,
	}
	tenControl = []float64{
		11.1453586774086, 9.9618059885597017, 7.068574306369829, 7.3012661810483657, 9.7944630265656727, 9.6037918603687302,
		6.1867793350339388, 12.345599159550174, 10.371891733859533, 8.6094300785016724, 9.913162673361084, 10.361375299003466,
		14.206800387518818, 10.946153754753301, 10.215876627044048, 11.739760899484603, 10.907627468626439, 12.823353694464775,
		8.1018609771732137, 8.4981616408804932, 12.113441374697231, 13.272210809932028, 10.114579381663297, 6.9463958767978067,
		6.2105278541727778, 10.160401684903775, 8.3457712066455461, 8.383822063895833, 7.0020205070083765, 10.755757401808442,
	}
	twenty = []float64{
		20.878412601720026, 21.78550581191622, 19.70828084717019, 15.859946903461562, 19.510058772176841, 19.392005525270303,
		22.926528314912101, 17.156530276709894, 18.655117916226171, 23.422607911610392, 24.055817684156644, 22.62689958516501,
		21.979472967817678, 21.659318607218694, 20.067707574072426, 22.119570836305414, 16.44037132663307, 21.559622826341268,
		21.000181443489218, 17.779369411412663, 17.806006358943584, 18.537200618386109, 20.555550300210797, 19.552928184468378,
		21.771118944087092, 21.809622806176627, 20.961762909905271, 20.977571577503021, 19.106303205498794, 16.976918966987078,
	}
	twentyControl = []float64{
		20.758113589510348, 22.802059629464559, 20.612340363492208, 20.973274654749986, 23.469237330498622, 21.53133988954805,
		21.767353687439805, 18.308050730374301, 19.062145167827566, 25.879498436001779, 18.982629726336128, 19.387920182269266,
		18.995398251246982, 24.228420230932805, 20.050985172694688, 18.2340451091756, 17.870515494460435, 23.058103863806618,
		18.400259567501134, 16.971352091177167, 19.467529066052151, 17.90465423342031, 17.553948617825831, 16.104611843907193,
		24.38171081433039, 15.919294339922635, 20.479409626304697, 19.08307201492406, 17.455788050722866, 18.853826823235142,
	}
)

func seeded() *rand.Rand { return rand.New(rand.NewPCG(7, 11)) }

// TestClassify: the first ten rows are those of Kayenta's suite, the rest
// follow from the rules.
func TestClassify(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name     string
		metric   canaryMetric
		x, y     []float64
		want     class
		critical bool
	}{
		{"pass", canaryMetric{direction: either}, ten, tenControl, pass, false},
		{"high", canaryMetric{direction: either}, twenty, tenControl, high, false},
		{"low", canaryMetric{direction: either}, ten, twentyControl, low, false},
		{"only increase is bad", canaryMetric{direction: increase}, ten, twentyControl, pass, false},
		{"only decrease is bad", canaryMetric{direction: decrease}, twenty, tenControl, pass, false},
		{"increase", canaryMetric{direction: increase}, twenty, tenControl, high, false},
		{"decrease", canaryMetric{direction: decrease}, ten, twentyControl, low, false},
		{"tied observations", canaryMetric{direction: decrease}, []float64{1, 1, 1}, []float64{1, 1}, pass, false},
		{"identical populations", canaryMetric{direction: decrease}, []float64{1, 2, 3, 4, 5}, []float64{5, 4, 3, 2, 1}, pass, false},
		{"no data", canaryMetric{direction: decrease}, nil, []float64{1, 2, 3, 4, 5}, nodata, false},

		{"no data of a critical metric", canaryMetric{direction: decrease, critical: true, mustHaveData: true}, nil, []float64{1, 2}, nodata, true},
		{"no data where it must be", canaryMetric{direction: decrease, mustHaveData: true}, []float64{nan}, []float64{1, 2}, nodataFails, false},
		{"no data, replaced", canaryMetric{direction: either, replace: true}, nil, []float64{1, 2}, pass, false},
		{"a missing value is left out", canaryMetric{direction: either}, append([]float64{nan, nan}, ten...), tenControl, pass, false},
		{"silence, replaced, looks perfect", canaryMetric{direction: increase, replace: true}, []float64{nan, nan, nan}, []float64{1, 2, 3}, pass, false},
		{"two constants", canaryMetric{direction: increase}, []float64{2, 2, 2, 2, 2, 2}, []float64{1, 1, 1, 1, 1, 1}, high, false},
		{"zero and zero but one", canaryMetric{direction: increase}, []float64{0, 0, 0}, []float64{0, 0, 0, 1}, pass, false},
		{"an effect too small", canaryMetric{direction: increase, effect: effectSizes{allowedIncrease: 2.5}}, twenty, tenControl, pass, false},
		{"an effect by ranks", canaryMetric{direction: increase, effect: effectSizes{measure: cles, allowedIncrease: 0.9}}, twenty, tenControl, high, false},
		{"from zero there is no effect size, and any counts", canaryMetric{direction: increase}, []float64{1, 2, 1, 2, 1, 2}, make([]float64, 6), high, false},
		{"critical", canaryMetric{direction: increase, critical: true}, twenty, tenControl, high, true},
		{"critical from an effect on", canaryMetric{direction: increase, critical: true, effect: effectSizes{criticalIncrease: 2.5}}, twenty, tenControl, high, false},
		{"an outlier stays", canaryMetric{direction: either}, []float64{1, 2, 3, 4, 1000}, []float64{1, 2, 3, 4, 5}, pass, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.metric.classify(tt.x, tt.y, seeded())
			if got.class != tt.want || got.critical != tt.critical {
				t.Errorf("classify = %v, critical %v, want %v, %v", got.class, got.critical, tt.want, tt.critical)
			}
		})
	}
}

// TestClean by hand: of 1 … 99 and 1000 the quartiles are 25.75 and 75.25, so
// with a factor of 3 what is above 223.75 goes, but the fence is widened to the
// 99th percentile, 108.01.
func TestClean(t *testing.T) {
	var xs []float64
	for i := range 99 {
		xs = append(xs, float64(i+1))
	}
	xs = append(xs, 1000, math.NaN())
	for _, tt := range []struct {
		metric canaryMetric
		want   int
	}{
		{canaryMetric{}, 100},
		{canaryMetric{replace: true}, 101},
		{canaryMetric{outliers: true}, 99},
		{canaryMetric{outliers: true, outlierFactor: 100}, 100},
	} {
		if got := tt.metric.clean(xs); len(got) != tt.want {
			t.Errorf("clean of %+v leaves %d values, want %d", tt.metric, len(got), tt.want)
		}
	}
}

// TestEffect by hand: 3 against 2 on average; of the four pairs of 2, 4 and
// 1, 3 three go up.
func TestEffect(t *testing.T) {
	x, y := []float64{2, 4}, []float64{1, 3}
	if got := (canaryMetric{}).effectOf(x, y); got != 1.5 {
		t.Errorf("ratio of means = %v, want 1.5", got)
	}
	if got := (canaryMetric{effect: effectSizes{measure: cles}}).effectOf(x, y); got != 0.75 {
		t.Errorf("common language effect size = %v, want 0.75", got)
	}
	if got := (canaryMetric{}).effectOf([]float64{0}, y); !math.IsNaN(got) {
		t.Errorf("ratio of a mean of 0 = %v, want NaN", got)
	}
}

// TestNoise: the same seed gives the same noise, and zero stays zero.
func TestNoise(t *testing.T) {
	a, b := noisy([]float64{5, 0}, seeded()), noisy([]float64{5, 0}, seeded())
	if a[0] != b[0] || a[0] == 5 || math.Abs(a[0]-5) > 1e-3 || a[1] != 0 {
		t.Errorf("noisy = %v and %v, want the same near 5, and 0", a, b)
	}
}

// TestScore: the first nine rows are those of Kayenta's ScorerSuite.
func TestScore(t *testing.T) {
	in := func(c class, groups ...string) canaryResult {
		return canaryResult{class: c, metric: canaryMetric{groups: groups}}
	}
	critical, muted := in(high, "g"), in(high, "g")
	critical.critical = true
	muted.metric.muted = true
	tests := []struct {
		name    string
		results []canaryResult
		weights map[string]float64
		want    float64
	}{
		{"one passes", []canaryResult{in(pass, "g")}, nil, 100},
		{"one fails", []canaryResult{in(high, "g")}, nil, 0},
		{"one group, two metrics", []canaryResult{in(pass, "g"), in(high, "g")}, nil, 50},
		{"one group, three metrics", []canaryResult{in(pass, "g"), in(high, "g"), in(low, "g")}, nil, 33.33},
		{"two groups, three metrics", []canaryResult{in(pass, "1"), in(pass, "1"), in(high, "2")}, map[string]float64{"1": 75, "2": 25}, 75},
		{"two groups of equal weight", []canaryResult{in(pass, "1"), in(high, "1"), in(high, "2")}, map[string]float64{"1": 50, "2": 50}, 25},
		{"no data", []canaryResult{in(nodata, "g")}, nil, 0},
		{"a critical one fails", []canaryResult{in(pass, "g"), critical}, nil, 0},
		{"a muted one fails", []canaryResult{in(pass, "g"), muted}, nil, 100},

		{"under half without data", []canaryResult{in(nodata, "1"), in(pass, "2"), in(pass, "2")}, nil, 100},
		{"an error does not count", []canaryResult{in(erroneous, "g"), in(pass, "g"), in(low, "g")}, nil, 50},
		{"no data where it must be counts", []canaryResult{in(nodataFails, "g"), in(pass, "g")}, nil, 50},
		{"what is left is shared", []canaryResult{in(pass, "1"), in(high, "2"), in(pass, "3")}, map[string]float64{"1": 50}, 75},
		{"a weight of a group that is not there is lost", []canaryResult{in(pass, "1")}, map[string]float64{"1": 60, "2": 40}, 60},
		{"a metric of two groups counts in both", []canaryResult{in(high, "1", "2"), in(pass, "1")}, nil, 25},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := score(tt.results, tt.weights); got != tt.want {
				t.Errorf("score = %v, want %v", got, tt.want)
			}
		})
	}
}

// TestErrorRates holds the judge against rates measured on another
// reimplementation of its rules, 60 points a side: what the classifier does to
// releases without a change, with a small one, and with a late one.
func TestErrorRates(t *testing.T) {
	const n, runs = 60, 400
	r := rand.New(rand.NewPCG(1, 2))
	series := func(rho float64) []float64 {
		xs := make([]float64, n)
		at := r.NormFloat64()
		for i := range xs {
			xs[i] = 100 + at
			at = rho*at + math.Sqrt(1-rho*rho)*r.NormFloat64()
		}
		return xs
	}
	late := func(share float64) func() []float64 {
		return func() []float64 {
			xs := series(0)
			for i := int(math.Round((1 - share) * n)); i < n; i++ {
				xs[i] *= 2
			}
			return xs
		}
	}
	tests := []struct {
		name      string
		x         func() []float64
		rho       float64
		low, high float64 // percent that are High or Low; the rate ± what 400 runs and rounding allow
	}{
		{"no change, no autocorrelation: 0.2 %", func() []float64 { return series(0) }, 0, 0, 1},
		{"no change, rho 0.5: 7 %", func() []float64 { return series(0.5) }, 0.5, 3, 12},
		{"no change, rho 0.8: 33 %", func() []float64 { return series(0.8) }, 0.8, 26, 40},
		{"one per cent where the spread is one: 98.6 %", func() []float64 {
			xs := series(0)
			for i := range xs {
				xs[i]++
			}
			return xs
		}, 0, 96, 100},
		{"doubled in the last 10 %: 1 %", late(0.1), 0, 0, 4},
		{"doubled in the last 30 %: 34 %", late(0.3), 0, 26, 42},
		{"doubled in the last 40 %: 79 %", late(0.4), 0, 71, 87},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := 0
			for range runs {
				if (canaryMetric{direction: either}).classify(tt.x(), series(tt.rho), r).class != pass {
					found++
				}
			}
			got := 100 * float64(found) / runs
			t.Logf("%.1f %%", got)
			if got < tt.low || got > tt.high {
				t.Errorf("%.1f %% are High or Low, want %v to %v %%", got, tt.low, tt.high)
			}
		})
	}
}

func TestClassNames(t *testing.T) {
	if got := fmt.Sprint(pass, high, low, nodata, nodataFails, erroneous); got != "Pass High Low Nodata NodataFailMetric Error" {
		t.Errorf("classes are %s", got)
	}
}

package prediction_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/foreshock/foreshock/prediction"
)

func probability(cs []prediction.ClassProbability, c prediction.Class) float64 {
	i := slices.IndexFunc(cs, func(x prediction.ClassProbability) bool { return x.Class == c })
	return cs[i].Probability
}

// TestCausesNothingSeen: the prior. By hand: e^(1, ½, 0, −½, −½) over its
// sum 6.580064.
func TestCausesNothingSeen(t *testing.T) {
	want := []struct {
		class prediction.Class
		p     float64
	}{{prediction.Code, 0.413109}, {prediction.Config, 0.250563}, {prediction.Infra, 0.151974}, {prediction.DB, 0.092177}, {prediction.Routing, 0.092177}}
	got := prediction.Causes(prediction.Signs{})
	if len(got) != len(want) {
		t.Fatalf("len(Causes({})) = %d, want %d", len(got), len(want))
	}
	for i, w := range want {
		if got[i].Class != w.class || math.Abs(got[i].Probability-w.p) > 1e-6 || len(got[i].For) != 0 || len(got[i].Against) != 0 {
			t.Errorf("Causes({})[%d] = %+v, want %v with %v and no evidence", i, got[i], w.class, w.p)
		}
	}
}

// TestCausesOneSign: each sign alone moves its class up, and the other named
// one down.
func TestCausesOneSign(t *testing.T) {
	const code, config, infra, db, routing = prediction.Code, prediction.Config, prediction.Infra, prediction.DB, prediction.Routing
	tests := []struct {
		name     string
		signs    prediction.Signs
		up, down prediction.Class
	}{
		{"never served", prediction.Signs{NeverServed: true}, config, code},
		{"stopped", prediction.Signs{Stopped: true}, code, config},
		{"exporter out", prediction.Signs{ExporterOut: true}, config, code},
		{"idle", prediction.Signs{Idle: true}, routing, code},
		{"some errors", prediction.Signs{SomeErrors: true}, code, infra},
		{"all errors", prediction.Signs{AllErrors: true}, config, code},
		{"gradual", prediction.Signs{Gradual: true}, code, config},
		{"slow", prediction.Signs{Slow: true}, code, routing},
		{"leak", prediction.Signs{Leak: true}, code, routing},
		{"cpu", prediction.Signs{CPU: true}, code, routing},
		{"memory", prediction.Signs{Memory: true}, code, routing},
		{"restarts", prediction.Signs{Restarts: true}, infra, code},
		{"calls fail", prediction.Signs{Calls: true}, config, code},
		{"database", prediction.Signs{Database: true}, db, routing},
		{"network", prediction.Signs{Network: true}, routing, code},
		{"one instance", prediction.Signs{OneInstance: true}, infra, code},
		{"node", prediction.Signs{Node: true}, infra, config},
		{"lost", prediction.Signs{Lost: true, SomeErrors: true}, routing, db},
		{"more calls", prediction.Signs{MoreCalls: true}, code, routing},
		{"slow calls", prediction.Signs{SlowCalls: true}, db, code},
	}
	prior := prediction.Causes(prediction.Signs{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := prediction.Causes(tt.signs)
			if p, was := probability(got, tt.up), probability(prior, tt.up); !(p > was) {
				t.Errorf("Causes(%s): %v has %v, want more than the prior %v", tt.name, tt.up, p, was)
			}
			if p, was := probability(got, tt.down), probability(prior, tt.down); !(p < was) {
				t.Errorf("Causes(%s): %v has %v, want less than the prior %v", tt.name, tt.down, p, was)
			}
		})
	}
}

// TestCausesReference: two signs by hand: a leak and slowness.
// Logs: 1+2+½, ½−½, 0+½, −½+½, −½−1; the sum of e^ is 36.987304.
func TestCausesReference(t *testing.T) {
	got := prediction.Causes(prediction.Signs{Leak: true, Slow: true})
	if got[0].Class != prediction.Code || math.Abs(got[0].Probability-0.895319) > 1e-6 {
		t.Errorf("Causes(leak, slow)[0] = %+v, want code with 0.895319", got[0])
	}
	if want := []string{"it takes ever more and gives nothing back"}; !slices.Equal(got[0].For, want) {
		t.Errorf("Causes(leak, slow)[0].For = %q, want %q: being slow says too little", got[0].For, want)
	}
	last := got[len(got)-1]
	if last.Class != prediction.Routing || !slices.Equal(last.Against, []string{"it takes ever more and gives nothing back"}) {
		t.Errorf("Causes(leak, slow) ends with %+v, want routing, with the leak against it", last)
	}
}

// TestCausesExplained: what explains a sign takes its weight: a process that
// starts again loses work on the way, and more calls take longer.
func TestCausesExplained(t *testing.T) {
	same := func(name string, a, b prediction.Signs) {
		if got, want := prediction.Causes(a), prediction.Causes(b); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	same("lost in a restart", prediction.Signs{Lost: true, SomeErrors: true, Restarted: true}, prediction.Signs{SomeErrors: true})
	same("lost, and nothing fails", prediction.Signs{Lost: true}, prediction.Signs{})
	same("more calls, and slower", prediction.Signs{MoreCalls: true, SlowCalls: true}, prediction.Signs{MoreCalls: true})
}

// TestCausesLaws: whatever is seen, the probabilities add up to 1, stand in
// falling order, and every class stands once.
func TestCausesLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	b := func() bool { return rng.IntN(2) == 0 }
	for range 2000 {
		var s prediction.Signs
		for v, i := reflect.ValueOf(&s).Elem(), 0; i < v.NumField(); i++ {
			v.Field(i).SetBool(b())
		}
		got := prediction.Causes(s)
		var sum float64
		seen := map[prediction.Class]bool{}
		for i, c := range got {
			sum += c.Probability
			seen[c.Class] = true
			if i > 0 && c.Probability > got[i-1].Probability {
				t.Fatalf("Causes(%+v) is not in falling order: %+v", s, got)
			}
		}
		if math.Abs(sum-1) > 1e-12 || len(seen) != len(prediction.Classes()) {
			t.Fatalf("Causes(%+v) = %+v: adds up to %v with %d classes", s, got, sum, len(seen))
		}
	}
}

func TestClassNames(t *testing.T) {
	want := []string{"code", "config", "infra", "db", "routing"}
	for i, c := range prediction.Classes() {
		if c.String() != want[i] {
			t.Errorf("Classes()[%d].String() = %q, want %q", i, c, want[i])
		}
	}
	for _, c := range []prediction.Class{0, 6} {
		if c.String() != "" {
			t.Errorf("Class(%d).String() = %q, want none", uint8(c), c)
		}
	}
}

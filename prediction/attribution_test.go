package prediction_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/topology"
)

// fade is how many frames an influence fades over in these tests.
const fade = 20

// chain is frontend 0 → cart 1 → stock 2 → database 3.
func chain() topology.Graph {
	return topology.New(4, []topology.Edge{{From: 0, To: 1}, {From: 1, To: 2}, {From: 2, To: 3}})
}

// candidate is a release of a service that began in a frame and is seen since,
// with half of the traffic on it.
func candidate(service int, since float64) prediction.Candidate {
	return prediction.Candidate{Service: service, Begun: true, Since: since, Seen: since, Weight: 0.5}
}

func with(c prediction.Candidate, change func(*prediction.Candidate)) prediction.Candidate {
	change(&c)
	return c
}

// TestAttributeAlone: one release and no incident. The log odds are sums of
// the weights at the top of attribution.go; probabilities are 1/(1+e^−w), by
// hand.
func TestAttributeAlone(t *testing.T) {
	tests := []struct {
		name   string
		change func(*prediction.Candidate)
		want   float64
	}{
		{"nothing seen", func(*prediction.Candidate) {}, 0.047426},                                                             // w = −3
		{"worse than its control", func(c *prediction.Candidate) { c.Direct = 8 }, 0.952574},                                   // −3 + 4 + 8/4 = 3
		{"far worse", func(c *prediction.Candidate) { c.Direct = 1000 }, 0.997527},                                             // at most 5 more: 6
		{"worse, and its callers suffer", func(c *prediction.Candidate) { c.Direct, c.Suffer = 8, true }, 0.985936},            // 3 + 2.5/2
		{"silent", func(c *prediction.Candidate) { c.Silent = true }, 0.817574},                                                // −3 + 4.5
		{"silent, and its callers suffer", func(c *prediction.Candidate) { c.Silent, c.Suffer = true, true }, 0.982014},        // 1.5 + 2.5
		{"only its exporter is silent", func(c *prediction.Candidate) { c.Silent, c.Shared = true, true }, 0.047426},           // as nothing
		{"its callers suffer, no more", func(c *prediction.Candidate) { c.Suffer = true }, 0.047426},                           // of anybody
		{"both versions fail alike", func(c *prediction.Candidate) { c.Alike = true }, 0.006693},                               // −3 − 2
		{"both fail, and it is worse still", func(c *prediction.Candidate) { c.Alike, c.Direct = true, 8 }, 0.952574},          // its own counts
		{"worse, but it has not begun", func(c *prediction.Candidate) { c.Begun, c.Direct = false, 1000 }, 0},                  // nothing it could do
		{"silent, but it has not begun", func(c *prediction.Candidate) { c.Begun, c.Silent, c.Suffer = false, true, true }, 0}, // the same
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := with(candidate(1, 0), tt.change)
			b := prediction.Attribute(chain(), []prediction.Candidate{c}, nil, fade)
			if got := b.Culprit[0]; math.Abs(got-tt.want) > 1e-6 {
				t.Errorf("Attribute(%+v).Culprit = %v, want %v", c, got, tt.want)
			}
			if math.Abs(b.Share[0]-tt.want) > 1e-6 || math.Abs(b.None-(1-tt.want)) > 1e-6 {
				t.Errorf("Attribute(%+v) = share %v, none %v, want %v and the rest", c, b.Share[0], b.None, tt.want)
			}
		})
	}
}

// TestAttributeIncident: one release without evidence of its own, and one
// incident. What is wanted is share = 1/(1+e^(1−w)) with w = −3 + 1.5·p and
// p = e^(−late/20)/(1 + calls/2)·(¾ + ¼·min(1, 2·weight)), by hand.
func TestAttributeIncident(t *testing.T) {
	far := 0.017986 // w = −3: the incident says nothing of it
	tests := []struct {
		name   string
		change func(*prediction.Candidate)
		inc    prediction.Incident
		want   float64
	}{
		{"at once, in its own service", nil, prediction.Incident{Service: 1, Onset: 100}, 0.075858},                // p = 1
		{"at once, in its caller", nil, prediction.Incident{Service: 0, Onset: 100}, 0.047426},                     // p = 1/1.5
		{"ten frames late, in its caller", nil, prediction.Incident{Service: 0, Onset: 110}, 0.032500},             // p = e^−½/1.5
		{"errors do not travel to what it calls", nil, prediction.Incident{Service: 2, Onset: 100}, far},           //
		{"overload does", nil, prediction.Incident{Service: 2, Onset: 100, Overload: true}, 0.047426},              // p = 1/1.5
		{"and two calls further less", nil, prediction.Incident{Service: 3, Onset: 100, Overload: true}, 0.037327}, // p = 1/2
		{"overload does not travel to callers", nil, prediction.Incident{Service: 0, Onset: 100, Overload: true}, far},
		{"older than the release", nil, prediction.Incident{Service: 1, Onset: 98}, far},
		{"a frame before it may be rounding", nil, prediction.Incident{Service: 1, Onset: 99}, 0.070886}, // p = e^−0.05
		{
			"both versions fail alike: a victim", func(c *prediction.Candidate) { c.Alike = true },
			prediction.Incident{Service: 1, Onset: 100},
			0.002473, // w = −5
		},
		{
			"its control gets no work: a victim", func(c *prediction.Candidate) { c.Starved = true },
			prediction.Incident{Service: 0, Onset: 100},
			far,
		},
		{
			"time counts from its first sample", func(c *prediction.Candidate) { c.Seen = 110 },
			prediction.Incident{Service: 0, Onset: 110},
			0.047426,
		},
		{
			"from its first step before a sample", func(c *prediction.Candidate) { c.Seen = math.NaN() },
			prediction.Incident{Service: 0, Onset: 110},
			0.032500,
		},
		{
			"little traffic on it", func(c *prediction.Candidate) { c.Weight = 0 },
			prediction.Incident{Service: 1, Onset: 100},
			0.053403, // p = ¾
		},
		{
			"it has not begun", func(c *prediction.Candidate) { c.Begun = false },
			prediction.Incident{Service: 1, Onset: 100},
			0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := candidate(1, 100)
			if tt.change != nil {
				tt.change(&c)
			}
			b := prediction.Attribute(chain(), []prediction.Candidate{c}, []prediction.Incident{tt.inc}, fade)
			if got := b.Culprit[0]; math.Abs(got-tt.want) > 2e-6 {
				t.Errorf("Attribute(%+v, %+v).Culprit = %v, want %v", c, tt.inc, got, tt.want)
			}
			if b.Owned[0] {
				t.Errorf("Attribute(%+v, %+v).Owned = true; nobody has evidence of its own", c, tt.inc)
			}
		})
	}
}

// TestAttributeOwnEvidence: the release that is worse than its control owns
// the incident above it; the others, nearer to it, are let off.
func TestAttributeOwnEvidence(t *testing.T) {
	guilty := with(candidate(2, 90), func(c *prediction.Candidate) { c.Direct = 8 })
	nearer := candidate(0, 100)
	inc := []prediction.Incident{{Service: 0, Onset: 100}, {Service: 3, Onset: 100}}
	b := prediction.Attribute(chain(), []prediction.Candidate{nearer, guilty}, inc, fade)
	if !b.Owned[0] || b.Owned[1] {
		t.Errorf("Owned = %v, want [true false]: errors travel from stock to the frontend, not to the database", b.Owned)
	}
	waiting := with(guilty, func(c *prediction.Candidate) { c.Begun = false })
	if got := prediction.Attribute(chain(), []prediction.Candidate{nearer, waiting}, inc, fade).Owned; got[0] {
		t.Errorf("Owned = %v by a release that has not begun", got)
	}
	alone := prediction.Attribute(chain(), []prediction.Candidate{nearer, guilty}, inc[:1], fade)
	if !(alone.Culprit[1] > 0.95 && alone.Culprit[0] < 0.01) {
		t.Errorf("Culprit = %v, want the second above 0.95 and the first below 0.01", alone.Culprit)
	}
	if !(alone.Share[1] > alone.None && alone.None > alone.Share[0]) {
		t.Errorf("Share = %v, none %v, want the guilty one before none and none before the other", alone.Share, alone.None)
	}
}

// TestAttributeTwoGuilty: two releases may hurt at once. They split the share
// of one cause, but neither's own evidence is weakened by the other's.
func TestAttributeTwoGuilty(t *testing.T) {
	c := with(candidate(2, 90), func(c *prediction.Candidate) { c.Direct = 8 })
	b := prediction.Attribute(chain(), []prediction.Candidate{c, c}, nil, fade)
	for i := range 2 {
		if math.Abs(b.Culprit[i]-0.952574) > 1e-6 || math.Abs(b.Share[i]-0.487856) > 1e-6 { // e³/(1+2e³)
			t.Errorf("Attribute: culprit %v, share %v of candidate %d, want 0.952574 and 0.487856", b.Culprit[i], b.Share[i], i)
		}
	}
}

// TestAttributeSharing: an incident that nobody owns is shared; the nearer
// release gets more of it, and so does the one that began just before.
func TestAttributeSharing(t *testing.T) {
	tests := []struct {
		name       string
		more, less prediction.Candidate
		inc        prediction.Incident
	}{
		{name: "nearer in calls", more: candidate(1, 100), less: candidate(3, 100), inc: prediction.Incident{Service: 0, Onset: 102}},
		{name: "nearer in time", more: candidate(1, 100), less: candidate(1, 60), inc: prediction.Incident{Service: 0, Onset: 102}},
		{name: "above an overload", more: candidate(2, 100), less: candidate(0, 100), inc: prediction.Incident{Service: 3, Onset: 102, Overload: true}},
		{name: "errors come from below", more: candidate(3, 100), less: candidate(0, 100), inc: prediction.Incident{Service: 2, Onset: 102}},
		{name: "overload comes from above", more: candidate(0, 100), less: candidate(3, 100), inc: prediction.Incident{Service: 2, Onset: 102, Overload: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, order := range [][2]int{{0, 1}, {1, 0}} { // whichever comes first
				cs := make([]prediction.Candidate, 2)
				cs[order[0]], cs[order[1]] = tt.more, tt.less
				b := prediction.Attribute(chain(), cs, []prediction.Incident{tt.inc}, fade)
				if more, less := b.Share[order[0]], b.Share[order[1]]; !(more > less) {
					t.Errorf("Attribute(%+v, %+v).Share = %v, %v, want the first to have more", tt.more, tt.less, more, less)
				}
				if b.None < 0.5 {
					t.Errorf("Attribute.None = %v, want at least half: where it stands is no evidence of its own", b.None)
				}
			}
		})
	}
}

// TestAttributeNobody: without releases it is nobody.
func TestAttributeNobody(t *testing.T) {
	b := prediction.Attribute(chain(), nil, []prediction.Incident{{Service: 0, Onset: 1}}, fade)
	if b.None != 1 || len(b.Culprit) != 0 || len(b.Share) != 0 || len(b.Owned) != 1 || b.Owned[0] {
		t.Errorf("Attribute(nil) = %+v, want none for sure", b)
	}
}

// TestAttributeLaws: on random systems shares and none add up to 1, every
// number is a probability, nobody is a culprit less than its share says, what
// has not begun is not blamed, and more direct evidence never lowers blame.
func TestAttributeLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	flip := func() bool { return rng.IntN(3) == 0 }
	for range 3000 {
		n := 1 + rng.IntN(5)
		var edges []topology.Edge
		for range rng.IntN(2 * n) {
			edges = append(edges, topology.Edge{From: rng.IntN(n), To: rng.IntN(n)})
		}
		cs := make([]prediction.Candidate, rng.IntN(4))
		for i := range cs {
			cs[i] = prediction.Candidate{
				Service: rng.IntN(n+1) - 1, Begun: rng.IntN(4) > 0, Since: float64(rng.IntN(100)), Seen: math.NaN(), Weight: rng.Float64(),
				Silent: flip(), Shared: flip(), Suffer: flip(), Starved: flip(), Alike: flip(),
			}
			if flip() {
				cs[i].Direct = 30 * rng.Float64()
			}
			if flip() {
				cs[i].Seen = cs[i].Since + float64(rng.IntN(20))
			}
		}
		incs := make([]prediction.Incident, rng.IntN(4))
		for i := range incs {
			incs[i] = prediction.Incident{Service: rng.IntN(n), Onset: float64(rng.IntN(150)), Overload: flip()}
		}
		g := topology.New(n, edges)
		b := prediction.Attribute(g, cs, incs, fade)
		sum := b.None
		for i := range cs {
			sum += b.Share[i]
			if !(b.Share[i] >= 0 && b.Culprit[i] >= b.Share[i] && b.Culprit[i] <= 1) || (!cs[i].Begun && b.Culprit[i] != 0) {
				t.Fatalf("Attribute(%+v, %+v): candidate %d has share %v and culprit %v", cs, incs, i, b.Share[i], b.Culprit[i])
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("Attribute(%+v, %+v): shares and none add up to %v", cs, incs, sum)
		}
		if len(cs) == 0 {
			continue
		}
		cs[0].Direct += 5
		if more := prediction.Attribute(g, cs, incs, fade).Culprit[0]; more < b.Culprit[0]-1e-12 {
			t.Fatalf("Attribute(%+v, %+v): more evidence lowers the culprit from %v to %v", cs, incs, b.Culprit[0], more)
		}
	}
}

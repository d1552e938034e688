package prediction

import (
	"cmp"
	"math"
	"slices"
)

// Class is a kind of cause.
type Class uint8

// The cause classes, as on the wire.
const (
	Code Class = iota + 1
	Config
	Infra
	DB
	Routing
)

var classNames = [...]string{Code: "code", Config: "config", Infra: "infra", DB: "db", Routing: "routing"}

// String returns the class as it stands on the wire.
func (c Class) String() string {
	if c == 0 || int(c) >= len(classNames) {
		return ""
	}
	return classNames[c]
}

// Classes returns all cause classes.
func Classes() []Class { return []Class{Code, Config, Infra, DB, Routing} }

// A Symptom is one thing that was or was not seen of a fault.
type Symptom struct {
	Name string
	Seen bool
	Text string // what was seen, as part of a sentence
	// LogOdds is what seeing it says for each class, code to routing.
	LogOdds [5]float64
}

// Signs are what a fault's class is read from.
type Signs struct {
	NeverServed bool // the new version never served anything, from its start
	Stopped     bool // it served, and then stopped
	ExporterOut bool // only its exporter is gone
	Idle        bool // it reports but gets or serves no work
	SomeErrors  bool // a part of its work fails
	AllErrors   bool // nearly all of its work fails
	Gradual     bool // the errors grew little by little
	Slow        bool // it is slower
	Leak        bool // a stock grows without end
	CPU         bool // it uses more processor
	Memory      bool // it uses more memory
	Restarts    bool // it starts again and again
	Calls       bool // the calls it makes fail
	Database    bool // queries, locks or pools of a database are worse
	Network     bool // packets are lost, or traffic of some nodes falls
	OneInstance bool // one instance of several is worse
	Node        bool // the machine below is busier
	Chatty      bool // it makes more calls, or more traffic, for the same work
	Misrouted   bool // it gets far more of the traffic than planned
	Unreached   bool // one of its instances gets no work while the others do
	Starved     bool // something that it shares is busier than its own work explains
	Together    bool // both versions fail since it began
	Refused     bool // a database that it calls answers, and fails nearly all of its queries
	Filling     bool // a database that it calls fills up or slows down
	Cache       bool // it, or a cache that it calls, misses more
	Lost        bool // a part of what its callers send it never counts
	Restarted   bool // some instance of it started again
	MoreCalls   bool // it makes more calls for the same work
	SlowCalls   bool // the calls it makes take longer
}

// logPrior is how common each class is held to be among changes that went bad,
// in log odds against infra: a judgement, rounded to halves.
var logPrior = [5]float64{1, 0.5, 0, -0.5, -0.5}

// symptoms is the table of signatures. Each row's weights are log likelihood
// ratios, rounded to halves, argued in docs/method/cause.md.
func symptoms(s Signs) []Symptom {
	return []Symptom{
		{"never served", s.NeverServed, "it never served anything: it does not get ready", [5]float64{0, 2, 0.5, 0.5, 0.5}},
		{"stopped", s.Stopped, "it served and then stopped", [5]float64{1, 0, 1, 0, 0.5}},
		{"exporter out", s.ExporterOut, "only its metrics are gone", [5]float64{0, 1.5, 1, 0, 0.5}},
		{"idle", s.Idle, "it reports but serves nothing", [5]float64{0, 0.5, 0, 0, 2}},
		// Calls that fail explain errors: they are no second sign.
		{"some errors", s.SomeErrors && !s.Calls, "a part of its work fails, the rest is well", [5]float64{1.5, 0, 0, 0.5, 0}},
		{"all errors", s.AllErrors, "nearly all of its work fails", [5]float64{0, 1, 0.5, 0.5, 0.5}},
		{"gradual", s.Gradual, "the failures grew little by little", [5]float64{1, -1, 0, 0.5, -1}},
		{"slow", s.Slow, "it is slower", [5]float64{0.5, 0, 0.5, 0.5, 0}},
		{"leak", s.Leak, "it takes ever more and gives nothing back", [5]float64{2, -0.5, 0, 0, -1}},
		{"cpu", s.CPU, "it uses more processor for the same work", [5]float64{1.5, 0, 0.5, 0, -1}},
		{"memory", s.Memory, "it uses more memory", [5]float64{1, 0, 0.5, 0, -1}},
		{"restarts", s.Restarts, "it starts again and again", [5]float64{-0.5, 1, 3, -0.5, -0.5}},
		{"calls fail", s.Calls, "the calls it makes fail", [5]float64{0, 1.5, 0, 1, 0.5}},
		{"database", s.Database, "its database is worse", [5]float64{0, 0, 0, 3, -0.5}},
		{"network", s.Network, "traffic of its nodes is lost", [5]float64{-0.5, 0, 2, -0.5, 2}},
		// Instances that leak do so unevenly.
		{"one instance", s.OneInstance && !s.Leak, "one instance of several is worse", [5]float64{-0.5, 0, 1.5, -0.5, 0.5}},
		{"node", s.Node, "the machine below is busier", [5]float64{0, -0.5, 1, 0, -0.5}},
		{"chatty", s.Chatty, "it makes more calls for the same work", [5]float64{1.5, 0.5, 0, 0, -1}},
		{"misrouted", s.Misrouted, "it gets far more of the traffic than planned", [5]float64{-1, 0.5, 0, -1, 4}},
		{"unreached", s.Unreached, "one of its instances gets no work", [5]float64{-1.5, 0, 2, -0.5, 2.5}},
		{"starved", s.Starved && !s.Misrouted, "something of a limited size is busier than its own work explains", [5]float64{0, 0, 1, -0.5, 0}},
		{"both versions", s.Together, "both versions fail since it began", [5]float64{-1, 0.5, 0, 2.5, 0}},
		{"refused", s.Refused, "its database answers, and fails its queries", [5]float64{0, 0, -0.5, 3, -1}},
		{"filling", s.Filling && !s.Together, "a database that it calls fills up", [5]float64{0.5, 0, -0.5, 2.5, -1}},
		{"lost", s.Lost && !s.Restarted && (s.SomeErrors || s.AllErrors), "a part of what its callers send never reaches it", [5]float64{-1.5, 0, 1.5, -1, 2.5}},
		{"more calls", s.MoreCalls && !s.Chatty && !s.Calls, "it makes more calls for the same work", [5]float64{1, 1, -0.5, 0, -1}},
		{"slow calls", s.SlowCalls && !s.MoreCalls && !s.Calls, "the calls it makes take longer", [5]float64{0, 0.5, 0.5, 1.5, 0}},
		{"cache", s.Cache, "its cache is missed more", [5]float64{0.5, 1.5, 0, 0, 0}},
	}
}

// A ClassProbability is a cause class with its probability and its evidence.
type ClassProbability struct {
	Class       Class
	Probability float64
	For         []string // what speaks for it
	Against     []string // what speaks against it
}

// Causes ranks the cause classes by what was seen, the likeliest first. The
// probabilities add up to 1.
func Causes(s Signs) []ClassProbability {
	logs := logPrior
	out := make([]ClassProbability, len(logs))
	for i, c := range Classes() {
		out[i].Class = c
	}
	for _, row := range symptoms(s) {
		if !row.Seen {
			continue
		}
		for i, w := range row.LogOdds {
			logs[i] += w
			switch {
			case w >= 1:
				out[i].For = append(out[i].For, row.Text)
			case w <= -0.5:
				out[i].Against = append(out[i].Against, row.Text)
			}
		}
	}
	var sum float64
	for _, l := range logs {
		sum += math.Exp(l)
	}
	for i, l := range logs {
		out[i].Probability = math.Exp(l) / sum
	}
	slices.SortStableFunc(out, func(a, b ClassProbability) int { return cmp.Compare(b.Probability, a.Probability) })
	return out
}

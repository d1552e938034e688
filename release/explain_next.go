package release

import (
	"fmt"
	"slices"
	"strings"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// unseen lists what could not be seen, and is therefore not ruled out.
func (x *explaining) unseen(sum Summary) []Remark {
	out := []Remark{}
	add := func(kind, format string, args ...any) { out = append(out, Remark{kind, fmt.Sprintf(format, args...)}) }
	if x.release != nil && x.release.Control == "" && !slices.ContainsFunc(x.a.Warnings, func(w WarningText) bool { return w.Code == "no-control" }) {
		add("no-control", "there is no live stable version to compare with")
	}
	for _, w := range x.a.Warnings {
		add(w.Code, "%s", w.Text)
	}
	never, stopped := x.silentSeries()
	if len(never) > 0 {
		add("no-value", "no value ever came of %s of the new version", strings.Join(never, ", "))
	}
	if len(stopped) > 0 {
		add("stopped", "%s of the new version", strings.Join(stopped, ", "))
	}
	if kinds := x.missingKinds(); len(kinds) > 0 {
		var texts []string
		for _, k := range kinds {
			texts = append(texts, fmt.Sprintf("%s (%s)", k, k.Shows()))
		}
		add("no-signal", "no signal of %s", strings.Join(texts, "; "))
	}
	if x.release != nil && x.release.Rollback == SafetyUnknown {
		add("rollback", "nobody said whether going back is safe")
	}
	for _, w := range sum.Warnings {
		add(w.Code, "%s", w.Text)
	}
	return out
}

// silentSeries names the signals of the new version that never had a value,
// though the stable version has, and those whose values ended before the
// record did.
func (x *explaining) silentSeries() (never, stopped []string) {
	if x.release == nil {
		return nil, nil
	}
	for id, s := range x.sys.Signals {
		subject, stable := x.lines(x.own, id)
		if subject.cohort != signal.Canary || !x.heard(stable) {
			continue
		}
		c := x.courses.byLine[subject]
		switch {
		case c.frames == 0:
			never = append(never, plainName(s.Name))
		case x.end.Sub(c.last) > 3*x.sys.Interval:
			stopped = append(stopped, fmt.Sprintf("%s ends at %s", plainName(s.Name), x.at(c.last)))
		}
	}
	return never, stopped
}

// lost says whether the new version's own metrics are gone while something else
// of it is there: what any process tells of itself is missing.
func (x *explaining) lost() bool {
	var gone, there bool
	for id, s := range x.sys.Signals {
		subject, stable := x.lines(x.own, id)
		if subject.cohort != signal.Canary || !x.heard(stable) {
			continue
		}
		c := x.courses.byLine[subject]
		silent := c.frames == 0 || x.end.Sub(c.last) > 3*x.sys.Interval
		uses := s.Kind == signal.CPU || s.Kind == signal.Memory
		gone, there = gone || silent && uses, there || !silent
	}
	return gone && there
}

// near says whether a service is the released one or one that it calls, be it
// through others. To a change all are near.
func (x *explaining) near(service int) bool {
	if x.own < 0 || service == x.own {
		return true
	}
	return x.own < x.sys.Graph.Len() && service < x.sys.Graph.Len() && x.sys.Graph.Downstream(x.own)[service] > 0
}

// missingKinds are the kinds of which no signal has a value, of the released
// service or of one that it calls.
func (x *explaining) missingKinds() []signal.Kind {
	seen := map[signal.Kind]bool{}
	for k, c := range x.courses.byLine {
		if c.frames > 0 && x.near(k.service) {
			seen[x.sys.Signals[k.signal].Kind] = true
		}
	}
	var out []signal.Kind
	for _, k := range byUse {
		if !seen[k] {
			out = append(out, k)
		}
	}
	return out
}

// byUse are the kinds of signals, those first that a release is told by most
// often.
var byUse = []signal.Kind{
	signal.Errors, signal.Latency, signal.Traffic, signal.Saturation, signal.Memory, signal.CPU, signal.Database, signal.Dependency,
	signal.Crashes, signal.Timeouts, signal.Retries, signal.Cache, signal.Network, signal.Infra,
}

// actions says what to do, the most urgent first.
func (x *explaining) actions(unseen []Remark) []Action {
	out := []Action{}
	add := func(why, format string, args ...any) { out = append(out, Action{fmt.Sprintf(format, args...), why}) }
	x.verdictAction(add)
	if x.a == nil {
		return out
	}
	bad := x.outcome == OutcomeStopped || x.outcome == OutcomeWarned || x.outcome == OutcomeHeld
	if bad {
		x.limitActions(add)
		if c := x.cause(); c != nil {
			x.causeAction(add, c)
		}
		if n := x.a.Next; n != nil && x.a.Warns() && x.shows(n.Rung) {
			add("it is the next rung of the failure ladder", "Watch %s meanwhile.", n.Rung)
		}
	}
	for _, r := range unseen {
		switch r.Kind {
		case "no-value", "stopped":
			if x.lost() {
				add("the stable version's are there", "Mend the metrics endpoint of the new version, or what scrapes it.")
			}
		case "no-signal":
			kinds := x.missingKinds()
			add("what has no signal is not ruled out", "For the next time: add a signal of %s.", listed(kinds[:min(3, len(kinds))]))
		case "no-control":
			add("compared with the time before, a change of the traffic looks like the release", "Keep a stable version beside the new one while it is rolled out.")
		case "rollback":
			if !bad {
				continue
			}
			add("a rollback that is not safe must go to a person", "Say in the release whether going back is safe (change.rollback).")
		}
	}
	return out
}

// listed writes kinds as "errors, latency and memory".
func listed(ks []signal.Kind) string {
	var names []string
	for _, k := range ks {
		names = append(names, k.String())
	}
	if last := len(names) - 1; last > 0 {
		names = append(names[:last-1], names[last-1]+" and "+names[last])
	}
	return strings.Join(names, ", ")
}

// verdictAction is what the last verdict asks for.
func (x *explaining) verdictAction(add func(why, format string, args ...any)) {
	who := x.subjectName()
	switch x.outcome {
	case OutcomeNotBegun:
		add("no step was taken", "Look again when %s has begun.", who)
	case OutcomeStopped:
		x.rollbackAction(add)
	case OutcomeWarned:
		if x.a.Reason == prevention.Together.String() {
			add("both versions failed as soon as it began, and going back may not undo what it did to both", "Stop %s now, and let a person find out what both versions share: a migration that holds a lock, a schema, a cache.", who)
			return
		}
		if x.a.Reason == prevention.UnsafeRollback.String() {
			add("it does harm, and the release says that going back is not safe", "Let a person decide on %s now: stop the rollout, and mend forward.", who)
			return
		}
		if x.silent() {
			add("it has served nothing, so nobody knows what it does to a request", "Take no further step with %s; go back if it does not serve soon.", who)
			return
		}
		add("it is held to do harm, and not surely enough to go back by itself", "Take no further step with %s; go back if its signals do not calm down.", who)
	case OutcomeHeld:
		if x.a.NextStep != nil && x.a.NextStep.Safe > 0 {
			add("more meets a limit", "Keep %s at %s %% of the traffic or less.", who, whole(x.a.NextStep.Safe))
			return
		}
		add("it is held", "Take no further step with %s until a person has looked.", who)
	case OutcomeElsewhere:
		where := "at what is named above"
		if c, ok := x.culprit(); ok {
			where = "at " + c.ID
		}
		add("what is wrong now would be laid to it, or hide what it does", "Wait with %s until the other incident is over, and look %s first.", who, where)
	case OutcomeCleared:
		x.clearedAction(add)
	case OutcomeUnknown:
		x.unknownAction(add)
	case OutcomeHealthy:
		x.goAction(add)
	}
}

func (x *explaining) clearedAction(add func(why, format string, args ...any)) {
	if x.story.last.Verdict == prevention.Promote.String() {
		x.goAction(add)
		return
	}
	x.unknownAction(add)
}

func (x *explaining) unknownAction(add func(why, format string, args ...any)) {
	u := x.story.last.Unknown
	if u == nil {
		return
	}
	need := u.Needs
	if u.ETA != "" {
		need += ", about " + u.ETA
	}
	add("until then neither a promote nor a stop has a ground", "Wait with the next step of %s. What would make it known: %s.", x.subjectName(), need)
}

func (x *explaining) goAction(add func(why, format string, args ...any)) {
	if next := x.story.last.NextStep; next != nil {
		add("nothing speaks against it", "Take %s to %s %%.", x.subjectName(), percent(float64(next.Weight)))
		return
	}
	add("nothing speaks against it", "Nothing: %s may stay.", x.subjectName())
}

func (x *explaining) rollbackAction(add func(why, format string, args ...any)) {
	blame := fmt.Sprintf("that it does harm is %s likely", chance(float64(x.a.Culprit)))
	switch {
	case x.change != nil:
		add(blame, "Undo %s.", x.subjectName())
	case x.release.From != "":
		add(blame, "Roll %s back to %s.", x.sys.Services[x.own].Name, x.release.From)
	default:
		add(blame, "Roll %s back.", x.id)
	}
}

// limitActions are about what runs full.
func (x *explaining) limitActions(add func(why, format string, args ...any)) {
	for _, p := range x.a.Predictions {
		svc, id, ok := x.find(p.Service, p.Signal)
		if !ok || p.Probability < 0.5 {
			continue
		}
		name := fmt.Sprintf("%s %s", x.call(svc, id), x.ref(svc, id))
		switch sig := x.sys.Signals[id]; {
		case p.At != nil && x.change != nil:
			continue
		case p.Kind == dailyPeak:
			add("as the day usually goes it is full at about "+x.far(p.At.P50, *p.At), "Before that hour: give %s more room, or go back.", name)
		case p.At != nil:
			add("it is to meet its limit at about "+x.far(p.At.P50, *p.At), "Until it is back: watch %s, and restart what comes near its limit.", name)
		case p.Weight == nil || defective(sig):
			continue // it fails by the version, and not by how much it gets
		case prevention.Symptom(sig.Kind):
			add("it meets its limit "+x.where(p), "Before the next try: find what makes %s rise with the traffic.", name)
		default:
			add("it is full "+x.where(p),
				"Before the next try: raise the limit of %s, or let each request take less of it.", name)
		}
	}
}

// where says at which traffic a limit is met.
func (x *explaining) where(p Prediction) string {
	if x.a.Met(&p) {
		return fmt.Sprintf("by %s, with %s %% of the traffic", x.at(x.a.At), percent(float64(x.a.Weight)))
	}
	return fmt.Sprintf("at about %s %% of the traffic", whole(p.Weight.P50))
}

// sample says what to keep of the new version before it is gone.
func (x *explaining) sample() string {
	samples := []string{"the logs of one new instance"}
	if e, ok := x.lead(); ok {
		switch k := x.kindOf(e.Signal); {
		case k == signal.Latency:
			samples[0] = "a trace of one slow request"
		case k == signal.Database:
			samples[0] = "a trace of one request, to count its queries"
		case prevention.Symptom(k):
			samples[0] = "a log or a trace of one request that failed"
		}
	}
	for _, e := range x.a.Evidence {
		profile := map[signal.Kind]string{signal.Memory: "a heap profile", signal.CPU: "a CPU profile"}[x.kindOf(e.Signal)]
		if profile != "" && float64(e.Strength) > leaning && !e.Small && !slices.Contains(samples, profile) {
			samples = append(samples, profile)
		}
	}
	return strings.Join(samples, " and ")
}

// kindOf returns the kind of a signal by its name; 0 when there is none.
func (x *explaining) kindOf(name string) signal.Kind {
	for _, s := range x.sys.Signals {
		if s.Name == name {
			return s.Kind
		}
	}
	return 0
}

// causeAction says where to look, by the class of cause.
func (x *explaining) causeAction(add func(why, format string, args ...any), c *CauseSaid) {
	why := "the signs are those of " + classText(c.Class)
	if len(c.For) == 0 {
		why = "no sign tells the class, and that is the commonest among changes that go bad"
	}
	versions := "in what it brought"
	if x.release != nil && x.release.From != "" && x.release.To != "" {
		versions = fmt.Sprintf("in what changed between %s and %s", x.release.From, x.release.To)
	}
	leak := x.release != nil && slices.ContainsFunc(x.a.Patterns, func(p PatternSeen) bool {
		return p.Kind == string(pattern.Leak) && p.Probability >= 0.5 && x.decides(p.Signal) && x.kindOf(p.Signal) == signal.Memory
	})
	switch {
	case c.Class == prediction.Code.String() && leak:
		add("it takes ever more and gives nothing back", "Take a heap profile of a new instance before it is gone, and look %s for what is kept.", versions)
	case c.Class == prediction.Code.String():
		add(why, "Look %s; keep %s from before it is gone.", versions, x.sample())
	case c.Class == prediction.Config.String():
		add(why, "Compare the settings of both versions first: addresses, credentials, time-outs, flags, what it needs to get ready.")
	case c.Class == prediction.DB.String():
		add(why, "Look at the database: slow queries, lock waits, migrations; and %s.", versions)
	case c.Class == prediction.Routing.String():
		add(why, "Look whether traffic reaches it: endpoints, labels of the service, weights, readiness.")
	case c.Class == prediction.Infra.String():
		add(why, "Compare the machines of the new instances with the others: memory limits, throttling, disks.")
	}
}

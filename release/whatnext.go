package release

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
	"github.com/foreshock/foreshock/trend"
)

// How likely the next rung of a ladder is held to follow the ones that were
// climbed, one or more. Of 28 that were said on the corpus' tune half, and of
// which the end is known, 5 came.
const nextRungOne, nextRungMore = 0.15, 0.25

// whatNext lists what may happen next to a release that is held where it is or
// takes its next step, each with what would show that it is wrong. The
// probabilities are of being the first: with pₖ of each by itself, likeliest
// first, pₖ·Π(1 − pⱼ) over those before, and what is left is that nothing of it
// happens. They add up to 1.
func (s *State) whatNext(i int, r ruling, a *Assessment, sc *scene) []Happening {
	out := []Happening{}
	if i < len(s.sys.Releases) {
		out = append(out, s.limitNext(r, a, sc.failures[i])...)
	}
	out = append(out, s.exhaustedNext(i, sc)...)
	out = append(out, s.collapseNext(sc.collapses)...)
	if a.Next != nil {
		p := nextRungOne
		if len(a.Ladder) > 1 {
			p = nextRungMore
		}
		out = append(out, Happening{
			Kind: "rung", Text: a.Next.Rung + " " + rises(a.Next.Rung), Probability: Number(p), In: a.Next.In, Watch: s.rungWatch(i, a, sc),
		})
	}
	slices.SortStableFunc(out, func(x, y Happening) int { return cmp.Compare(y.Probability, x.Probability) })
	left := 1.0
	for k := range out {
		p := float64(out[k].Probability)
		out[k].Probability = Number(p * left)
		left *= 1 - p
	}
	return append(out, Happening{Kind: "nothing", Text: nothingText(a), Probability: Number(left)})
}

// rises is the verb to a rung's name.
func rises(rung string) string {
	if strings.HasSuffix(rung, "s") {
		return "rise"
	}
	return "rises"
}

// rungWatch says what would show that the next rung does not follow: that its
// signals are not worse by what matters, by when it was to follow or else when
// the phase ends.
func (s *State) rungWatch(i int, a *Assessment, sc *scene) string {
	by := ""
	switch {
	case a.Next.In != nil:
		by = " in " + a.Next.In.P90
	case a.NextStep != nil:
		by = fmt.Sprintf(" at the step to %s %%", percent(float64(a.NextStep.Weight)))
	}
	var still []string
	for fd := range each(sc.releases[i]) {
		if r := pattern.RungOf(fd.Kind); r == 0 || r.String() != a.Next.Rung || fd.Rejected && fd.Active || len(still) == 2 {
			continue
		}
		sig := s.sys.Signals[fd.Signal]
		than, level := "under", fd.Level+fd.Size
		if fd.Falls || sig.Direction() == signal.Down {
			than, level = "over", fd.Level-fd.Size
		}
		still = append(still, fmt.Sprintf("%s is still %s %s", sig.Name, than, sig.Unit.Format(level)))
	}
	measured := slices.ContainsFunc(s.sys.Signals, func(g signal.Signal) bool {
		r := pattern.RungOf(g.Kind)
		return r != 0 && r.String() == a.Next.Rung
	})
	switch {
	case len(still) == 0 && measured:
		return fmt.Sprintf("if no signal of %s has turned worse%s, this is wrong", a.Next.Rung, by)
	case len(still) == 0:
		return fmt.Sprintf("no signal would show it: look at %s by hand", a.Next.Rung)
	}
	return fmt.Sprintf("if %s%s, this is wrong", strings.Join(still, " and "), by)
}

// nothingText says what goes on when nothing of the list happens.
func nothingText(a *Assessment) string {
	switch {
	case a.Verdict == "promote" && a.NextStep != nil:
		return fmt.Sprintf("%s %% goes as %s %% does", percent(float64(a.NextStep.Weight)), percent(float64(a.Weight)))
	case a.PhaseEnds != "":
		return fmt.Sprintf("it goes on as it is (%s, until %s)", a.Phase, a.PhaseEnds)
	default:
		return "it goes on as it is"
	}
}

// limitNext is the nearest limit that the next step may meet, with what its
// signal must come to there. What is met by now is not to come.
func (s *State) limitNext(r ruling, a *Assessment, fs []failure) []Happening {
	x := nearest(fs)
	if x == nil || a.Met(&Prediction{Weight: &Quantiles{P50: Number(100 * x.P50)}}) || math.IsNaN(r.ahead.next) {
		return nil
	}
	p := x.Breach(r.ahead.next)
	if p < 0.01 {
		return nil
	}
	sig := s.sys.Signals[x.signal]
	h := Happening{Kind: "limit", Text: fmt.Sprintf("%s at %s %%", s.limitText(*x), percent(100*r.ahead.next)), Probability: Number(p)}
	if v := s.comesTo(*x); v != nil {
		will := "will be"
		if sig.Unit.Dimension == signal.Ratio && x.limit == 1 && v.P50 > 1 {
			will = "would be asked for"
		}
		h.Text += fmt.Sprintf(", where %s of %s %s about %s (%s)", sig.Name, s.sys.Services[x.service].Name, will, sig.Unit.Format(float64(v.P50)), between(sig.Unit, v))
	}
	least, _, _ := x.Next()
	than := "under"
	switch {
	case sig.Direction() == signal.Down && !finite(least):
		least, than = x.limit, "over"
	case sig.Direction() == signal.Down:
		least, than = math.Max(-least, x.limit), "over"
	case !finite(least):
		least = x.limit
	default:
		least = math.Min(least, x.limit)
	}
	h.Watch = fmt.Sprintf("if %s of %s is still %s %s at %s %%, this is wrong", sig.Name, s.sys.Services[x.service].Name, than, sig.Unit.Format(least), percent(100*r.ahead.next))
	return []Happening{h}
}

// comesTo returns what a signal comes to at the next step, in its base unit; nil
// where that is not identifiable: where its weight is not known, or the middle has
// no bound. Its upper end has none where a queue may be full there.
func (s *State) comesTo(x failure) *Quantiles {
	if x.Why != trend.Known || x.inferred {
		return nil
	}
	lo, mid, hi := x.Next()
	if !finite(mid) {
		return nil
	}
	if s.sys.Signals[x.signal].Direction() == signal.Down { // At is turned so that worse is up
		lo, mid, hi = -hi, -mid, -lo
	}
	return &Quantiles{P10: Number(math.Max(0, lo)), P50: Number(math.Max(0, mid)), P90: Number(math.Max(0, hi))}
}

// between is an interval as it is read: of what has no upper end, from where on.
func between(u signal.Unit, v *Quantiles) string {
	lo, hi := u.Format(float64(v.P10)), u.Format(float64(v.P90))
	if !finite(float64(v.P90)) {
		return lo + " or more: it may be full there"
	}
	if number, unit, ok := strings.Cut(lo, " "); ok && strings.HasSuffix(hi, " "+unit) {
		lo = number
	}
	return lo + " to " + hi
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// exhaustedNext is all that runs out and is foretold; where nothing is, what may
// run out first. What is there by the next frame is not to come.
func (s *State) exhaustedNext(i int, sc *scene) []Happening {
	var out []Happening
	for _, fs := range [][]finding{sc.releases[i], sc.shared} {
		for fd := range each(fs) {
			if fd.Runs != nil && fd.Runs.Met >= likelyMet && fd.Runs.P50 >= 1 {
				out = append(out, s.exhausts(i, fd))
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	fd := firstToRunOut(sc.releases[i], mayRunOut)
	if fd == nil {
		fd = firstToRunOut(sc.shared, mayRunOut)
	}
	if fd == nil || fd.Runs.P50 < 1 {
		return nil
	}
	return []Happening{s.exhausts(i, fd)}
}

// exhausts says that something runs out, and what would show that it does not.
func (s *State) exhausts(i int, fd *finding) Happening {
	whose := ""
	if len(s.sys.Services) > 1 {
		whose = " of " + s.sys.Services[fd.Service].Name
	}
	sig, g := s.sys.Signals[fd.Signal], fd.Runs
	span := func(frames float64) string {
		return shortDuration(time.Duration(frames * float64(s.sys.Interval)))
	}
	daily := g.Law == trend.Daily
	h := Happening{
		Kind: "exhausted", Text: fmt.Sprintf("%s%s reaches its limit of %s", sig.Name, whose, sig.Unit.Format(s.limitSaid(i, fd))),
		Probability: fd.runs(), In: &Durations{P10: span(g.P10), P50: span(g.P50), P90: span(g.P90)},
	}
	now, than := stats.Mean(pattern.Tail(fd.Subject, 3)), "under"
	if fd.Falls {
		than = "over"
	}
	// Half of the way at half of the time is expected; a quarter is not.
	value, in := now+(fd.Subject.Limit-now)/4, g.P50/2
	if daily {
		h.Kind = dailyPeak
		value, in = s.onTheWay(fd, now)
	}
	h.Watch = fmt.Sprintf("if %s%s is still %s %s in %s, this is wrong", sig.Name, whose, than, sig.Unit.Format(value), span(in))
	if n := fd.Subject.Instances(); sig.Unit.Dimension == signal.Ratio && sig.Kind == signal.CPU && fd.Subject.Pods[0].Instance != "" {
		h.Text += fmt.Sprintf(" on %s; %.0f would hold it under 80 %% for that long", numbered(int(math.Round(n)), "instance"), math.Ceil(n/0.8-1e-9))
	}
	h.Text += s.slowerAt(i, g)
	if daily {
		h.Text += ", if the day goes as it usually does"
	}
	return h
}

// slowerAt says how much longer it would take at the step before, where what
// grows does so with every request.
func (s *State) slowerAt(i int, g *trend.Growth) string {
	if i >= len(s.sys.Releases) || g.Works < likelyMet {
		return ""
	}
	steps, k := s.sys.Releases[i].Steps, s.mem.Subjects[i].Step
	if k < 2 || k > len(steps) || !(steps[k-2].Weight > 0) {
		return ""
	}
	before, now := steps[k-2].Weight, steps[k-1].Weight
	times := fmt.Sprintf("%.2g", now/before)
	if now/before >= 10 {
		times = fmt.Sprintf("%.0f", now/before)
	}
	return fmt.Sprintf("; held at %s %% it would take %s times as long", percent(100*before), times)
}

// onTheWay returns half of how far a signal that goes by its day should have
// come in half of the time; or in all of it, where the day goes back before it
// rises.
func (s *State) onTheWay(fd *finding, now float64) (value, in float64) {
	frame := float64(fd.Subject.Values.Newest)
	season := s.season(fd.Subject)
	half := fd.Runs.P50 / 2
	if season != nil {
		usual, toward := season.At(frame), math.Copysign(1, fd.Subject.Limit-now)
		then := now * season.At(frame+half) / usual
		if usual != 0 && (then-now)*toward > 0 && !math.IsInf(then, 0) {
			return (now + then) / 2, half
		}
	}
	return (now + fd.Subject.Limit) / 2, 2 * half
}

// nearest returns the failure that is placed nearest; nil where none is.
func nearest(fs []failure) *failure {
	for k := range fs {
		if fs[k].Why == trend.Known {
			return &fs[k]
		}
	}
	return nil
}

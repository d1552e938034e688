package release

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/trend"
)

// unmeasured looks for services that fill up as a release gets more of the
// traffic, and of which nothing measures how full they are: by what arrives at
// them and how long they take. It foretells, and holds nothing.
func (s *State) unmeasured(i int) []failure {
	r := s.sys.Releases[i]
	wait := s.median()
	if wait < 0 {
		return nil
	}
	var out []failure
	for _, j := range s.reached(r.Service) {
		if s.usesMeasured(i, j) {
			continue
		}
		u, ok := s.stationOf(i, j, wait)
		if !ok {
			continue
		}
		u.Exposed, u.Window = &s.mem.Subjects[i].Exposed, s.sys.Signals[wait].Window
		u.Calls = j < s.sys.Graph.Len() && len(s.sys.Graph.Callees(j)) > 0
		a := failure{Failure: u.FailsAt(), service: j, signal: wait, cohort: signal.Whole, limit: math.NaN(), inferred: true}
		if a.Why == trend.Known || a.Why == trend.Weak {
			out = append(out, a)
		}
	}
	return out
}

// stationOf lays out what is known of a service: its own waits and arrivals, or
// those of the released one, whose versions may share what serves them.
func (s *State) stationOf(i, j, wait int) (u trend.Unmeasured, ok bool) {
	x := &s.mem.Subjects[i]
	u.LoadBefore, u.Load = x.LoadBefore, x.Load
	if j == s.sys.Releases[i].Service {
		if !values(x.Before[wait], x.Control[wait], x.Canary[wait]) || x.Load == nil {
			return u, false
		}
		u.Before, u.Since, u.Beside = &x.Before[wait].Values, &x.Control[wait].Values, &x.Canary[wait].Values
		u.ArrivalsBefore, u.Arrivals = x.LoadBefore, x.Load
		return u, true
	}
	m := &s.mem.Services[j]
	for id, sig := range s.sys.Signals {
		if sig.Kind == signal.Traffic && sig.Unit.Dimension == signal.Rate && values(m.Before[id], m.After[id]) {
			u.ArrivalsBefore, u.Arrivals = &m.Before[id].Values, &m.After[id].Values
			u.One = m.After[id].Pods[0].Instance != ""
			break
		}
	}
	if u.Arrivals == nil || !values(m.Before[wait], m.After[wait]) {
		return u, false
	}
	u.Before, u.Since = &m.Before[wait].Values, &m.After[wait].Values
	return u, true
}

// values says whether tracks have values, each of as many instances as the first.
func values(ts ...*pattern.Track) bool {
	return !slices.ContainsFunc(ts, func(t *pattern.Track) bool {
		return t == nil || t.Values.N == 0 || !steady(ts[0], t)
	})
}

// median returns the signal that holds the median time of requests,
// in seconds; −1 when there is none.
func (s *State) median() int {
	return slices.IndexFunc(s.sys.Signals, func(sig signal.Signal) bool {
		return sig.Kind == signal.Latency && sig.Unit.Dimension == signal.Time && math.Abs(sig.Quantile-0.5) < 0.01
	})
}

// usesMeasured says whether anything tells how full a service is.
func (s *State) usesMeasured(i, service int) bool {
	x, m := &s.mem.Subjects[i], &s.mem.Services[service]
	for id, sig := range s.sys.Signals {
		tracks := []*pattern.Track{m.Before[id], m.After[id]}
		if service == s.sys.Releases[i].Service {
			tracks = append(tracks, x.Before[id], x.Canary[id], x.Control[id])
		}
		if slices.ContainsFunc(tracks, func(t *pattern.Track) bool { return t != nil && t.Values.N > 0 && measuresUse(sig, t) }) {
			return true
		}
	}
	return false
}

// measuresUse says whether a signal tells how full what serves requests is: as
// a share, or in any unit beside its limit. How full memory is says nothing of
// how long requests wait. Nothing tells the shares that are no use (of throttled
// periods, of time under pressure) from those that are.
func measuresUse(sig signal.Signal, t *pattern.Track) bool {
	wait, ok := answers(sig)
	if wait || !ok || sig.Kind == signal.Memory || sig.Kind == signal.Cache {
		return false
	}
	shared := sig.Kind == signal.CPU || sig.Kind == signal.Saturation || sig.Kind == signal.Database
	return shared && sig.Unit.Dimension == signal.Ratio || !math.IsNaN(limitOf(sig, t))
}

// inferredText says what an inferred failure is, and what it goes by.
func (s *State) inferredText(a *Assessment, x failure) string {
	what := s.sys.Services[x.service].Name + " full"
	by := "by its requests and how long they take, as nothing measures how full it is"
	if x.usual > 0 {
		unit := s.sys.Signals[x.signal].Unit
		what = s.limitText(x)
		by = fmt.Sprintf("nobody set that limit: it is %d times the %s that is usual at this hour, from memory", usualTimes, unit.Format(x.usual))
	}
	if x.Why != trend.Known {
		return what + " at some share of the traffic; " + by
	}
	at := Quantiles{P10: Number(100 * x.P10), P50: Number(100 * x.P50), P90: Number(100 * x.P90)}
	if a.Met(&Prediction{Weight: &at}) {
		return fmt.Sprintf("%s by now, with %s %% of the traffic; %s", what, percent(float64(a.Weight)), by)
	}
	return fmt.Sprintf("%s at about %s of the traffic, %s likely by 100 %%; %s", what, interval(at), chance(x.Breach(1)), by)
}

// byWeight orders failures for telling: those whose weight is known first, the
// nearest median before. A wait comes after what fills up at the same service
// where their intervals meet: that is one event, and from waits alone it is
// mostly said too early, as how many serve is not known.
func (s *State) byWeight(xs []failure) {
	rank := make(map[[3]int]int, len(xs))
	at := func(x failure) [3]int { return [3]int{x.service, x.signal, int(x.cohort)} }
	for _, x := range xs {
		rank[at(x)] = unplaced(x)
		if s.waits(x) && x.Why == trend.Known && slices.ContainsFunc(xs, func(y failure) bool {
			return y.service == x.service && y.Why == trend.Known && !s.waits(y) && x.P90 >= y.P10 && y.P90 >= x.P10
		}) {
			rank[at(x)]++
		}
	}
	slices.SortStableFunc(xs, func(a, b failure) int {
		return cmp.Or(cmp.Compare(unplaced(a), unplaced(b)), cmp.Compare(rank[at(a)], rank[at(b)]), cmp.Compare(a.P50, b.P50))
	})
}

// waits says whether a failure is one of a wait that has a limit.
func (s *State) waits(x failure) bool {
	wait, _ := answers(s.sys.Signals[x.signal])
	return wait && (!x.inferred || x.usual > 0)
}

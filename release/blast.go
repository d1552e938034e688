package release

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

const (
	// ahead is how many seconds are looked ahead when requests are counted.
	ahead = 600
	// backTakes is how many of them going back takes: a judgement.
	backTakes = 60
)

// blast fills in whom the release would hurt, and what each decision costs.
func (s *State) blast(i int, r ruling, a *Assessment, sc *scene) {
	b := a.BlastRadius
	if b == nil {
		return
	}
	nan := Number(math.NaN())
	b.Severity, b.PerMinute, b.PerMinuteNext, b.Harmed = nan, nan, nan, nan
	now, next := float64(b.Now), float64(b.NextStep)
	severity, known := s.severity(i, sc)
	if known {
		b.Severity = Number(severity)
	}
	load := s.loadNow(i)
	if !math.IsNaN(load) {
		b.PerMinute, b.PerMinuteNext = Number(60*load*now), Number(60*load*next)
	}
	if known && !math.IsNaN(load) {
		b.Harmed = Number(load * ahead * now * severity)
	}
	b.Services = s.hits(s.sys.Releases[i].Service, now, next)
	b.Budget = s.budget(i, now, next, sc)
	b.Users = usersOf(s.sys.Services[s.sys.Releases[i].Service].Visits, b, load)
	// Nobody knows how many a version harms that is worse by what is no share of requests.
	told := known || r.ahead.full >= aTenth && (r.harm < s.policy.PromoteBelow || r.ahead.filled > 0)
	s.weigh(i, r, prediction.Stakes{
		Bad: r.harm, Severity: severity, Requests: load * ahead, Now: now, Next: next,
		Breach: r.ahead.breach, Full: r.ahead.full, Filled: r.ahead.filled, Back: backTakes / float64(ahead),
	}, a, told)
}

// weigh fills in what each decision costs. Once a decision stands, it is what it was
// decided by: a version that gets no traffic any more looks well.
func (s *State) weigh(i int, r ruling, x prediction.Stakes, a *Assessment, told bool) {
	m, b := &s.mem.Subjects[i], a.BlastRadius
	b.Choices = s.choices(r, x, told)
	switch {
	case m.Latched.Verdict == 0:
		m.Weighed = nil
	case m.Stopped == 0 || m.Weighed == nil:
		m.Weighed, m.WeighedAt = b.Choices, a.At
	default:
		at := m.WeighedAt
		b.Choices, b.ChoicesAt = m.Weighed, &at
	}
}

// usersOf says in users whom a release would hurt; nil where nobody said how
// they come. load is in requests a second, NaN where it is not measured.
func usersOf(v prediction.Visits, b *BlastRadius, load float64) *Users {
	if !(v.Requests > 0) {
		return nil
	}
	hit := func(weight, harmed Number) Number { return Number(v.Hit(float64(weight), float64(harmed))) }
	return &Users{
		In10m: Number(load * ahead / v.Requests), Now: hit(b.Now, 1), NextStep: hit(b.NextStep, 1),
		Feel: hit(b.Now, b.Severity), FeelNext: hit(b.NextStep, b.Severity),
	}
}

// String says it as "1 % of users, about 120 in 10 min, feel it; 11 %, about
// 1,300, would feel the next step"; "" where nobody does or would, by
// what was measured, and of nil.
func (u *Users) String() string {
	if u == nil {
		return ""
	}
	verb, now, next := "feel", u.Feel, u.FeelNext
	if math.IsNaN(float64(now)) {
		verb, now, next = "meet", u.Now, u.NextStep
	}
	if now == 0 && next == 0 {
		return ""
	}
	share := func(x Number) string {
		if text := percent(100 * float64(x)); text != "0" || x == 0 {
			return text
		}
		return "under 0.1"
	}
	about := func(share Number, per string) string {
		n := float64(u.In10m * share)
		if math.IsNaN(n) {
			return ""
		}
		return fmt.Sprintf(", about %s%s,", signal.Thousands(roughly(n)), per)
	}
	text := fmt.Sprintf("%s %% of users%s %s it", share(now), about(now, " in 10 min"), verb)
	if next > now {
		text += fmt.Sprintf("; %s %%%s would %s the next step", share(next), about(next, ""), verb)
	}
	return text
}

// roughly rounds a count to two digits: 1,288 to 1,300.
func roughly(n float64) float64 {
	if n < 100 {
		return math.Round(n)
	}
	unit := math.Pow(10, math.Floor(math.Log10(n))-1)
	return math.Round(n/unit) * unit
}

// choices puts the cost of each decision on the wire, the best first. Requests
// are told only where it is known what would happen to them.
func (s *State) choices(r ruling, x prediction.Stakes, told bool) []Choice {
	p, h, b := x.Weigh(s.policy.PromoteBelow, s.policy.RollbackAbove)
	out := []Choice{
		{Action: prevention.Promote.String(), Harmed: Number(p.Harmed), Loss: Number(p.Loss)},
		{Action: prevention.Hold.String(), Harmed: Number(h.Harmed), Loss: Number(h.Loss)},
		{Action: prevention.Rollback.String(), Harmed: Number(b.Harmed), Loss: Number(b.Loss)},
	}
	if !r.proven && out[2].Loss < out[1].Loss {
		out[2].Loss = out[1].Loss // nothing is rolled back that is not proven
	}
	for k := range out {
		if !told {
			out[k].Harmed = Number(math.NaN())
		}
	}
	slices.SortStableFunc(out, func(a, b Choice) int { return cmp.Compare(a.Loss, b.Loss) })
	return out
}

// loadNow returns the requests a second to a release's service, both versions
// together; NaN where they are not measured.
func (s *State) loadNow(i int) float64 {
	x := &s.mem.Subjects[i]
	for _, h := range []*stats.History{x.Load, x.LoadBefore} {
		if h == nil {
			continue
		}
		var sum, n float64
		for _, v := range h.Tail(8) {
			if !math.IsNaN(v) {
				sum, n = sum+v, n+1
			}
		}
		if n > 0 {
			return sum / n
		}
	}
	return math.NaN()
}

// severity returns the share of the requests to the new version that are
// harmed beyond those to the stable one; false where no symptom is worse.
func (s *State) severity(i int, sc *scene) (share float64, known bool) {
	x := &s.mem.Subjects[i]
	for fd := range each(sc.releases[i]) {
		if !fd.Rejected || !fd.Active || !prevention.Symptom(fd.Kind) {
			continue
		}
		sig := s.sys.Signals[fd.Signal]
		switch {
		case fd.Share > 0 && fd.Kind != signal.Retries:
			share, known = math.Max(share, fd.Share), true
		case sig.Unit.Dimension == signal.Ratio && fd.Kind != signal.Dependency && fd.Kind != signal.Retries:
			share, known = math.Max(share, math.Min(1, math.Abs(fd.Effect))), true
		case fd.Kind == signal.Latency && x.Tails[fd.Signal] != nil:
			t := x.Tails[fd.Signal]
			over := t.Canary.Over/math.Max(1, t.Canary.N) - t.Control.Over/math.Max(1, t.Control.N)
			share, known = math.Max(share, math.Min(1, math.Max(0, over))), true
		}
	}
	return share, known
}

// hits returns the services whose requests fail with those of a service,
// itself first, then the worst.
func (s *State) hits(service int, now, next float64) []Hit {
	a, b := prediction.Reach(s.sys.Graph, service, now, next)
	out := []Hit{}
	for j, svc := range s.sys.Services {
		if j < len(b) && b[j] >= 0.001 {
			out = append(out, Hit{Service: svc.Name, Now: Number(a[j]), NextStep: Number(b[j]), Criticality: Number(cmp.Or(svc.Criticality, 1))})
		}
	}
	slices.SortStableFunc(out, func(x, y Hit) int {
		return cmp.Compare(float64(y.NextStep*y.Criticality), float64(x.NextStep*x.Criticality))
	})
	return out
}

// budget says how fast errors use up the limit of the first signal that has
// one and is a share of requests.
func (s *State) budget(i int, now, next float64, sc *scene) *Budget {
	for fd := range each(sc.releases[i]) {
		sig := s.sys.Signals[fd.Signal]
		limit := fd.Subject.Limit
		if fd.Kind != signal.Errors || sig.Unit.Dimension != signal.Ratio || !(limit > 0) || sig.Direction() == signal.Down {
			continue
		}
		burn := func(w float64) Number { return Number((w*fd.Now + (1-w)*fd.Level) / limit) }
		period := cmp.Or(sig.Limit.Over, usualPeriod)
		b := &Budget{Signal: sig.Name, Limit: Number(limit), Burn: burn(now), Next: burn(next), Period: shortDuration(period)}
		if b.Burn > 1 {
			b.Spent = shortDuration(time.Duration(float64(period) / float64(b.Burn)))
		}
		return b
	}
	return nil
}

// usualPeriod is what an objective is mostly meant for.
const usualPeriod = 30 * 24 * time.Hour

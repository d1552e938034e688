package simulate

import (
	"math"
	"slices"
	"strings"
	"time"
)

// A Break is where callers are truly harmed.
type Break struct {
	Harmed   bool    // at some share of the new version
	Weight   float64 // the smallest share, 0..1, that harms when it is held; NaN when none does
	Share    float64 // of the requests that are harmed then
	Limits   []Use   // that are passed then, or else the most used one
	Baseline float64 // share of the requests that are harmed without the new version
	Rate     float64 // requests per second of clients while it was held, ≥ 0: the most of them
	// Full is after how many seconds at all traffic the memory of the first
	// instance is full of what the new version leaks, which may be long after
	// the share was held; +Inf when never.
	Full float64
}

// Breaks finds the smallest share of the new version, in whole percents, at
// which more requests are harmed than the objective allows when the share is
// held for so many seconds, > 0, as long as the longest step. It is held when
// clients send most, from the first step on. Breaks plays the model about eight
// times, and takes the harm to grow with the share.
func (m Model) Breaks(player Player, seed uint64, hold float64) (Break, error) {
	player, err := m.Choose(player)
	if err != nil {
		return Break{}, err
	}
	settle := 12.0
	if len(m.Rollout.Steps) > 0 {
		settle = math.Min(m.Rollout.Steps[0].At, 60)
	}
	b := Break{Weight: math.NaN()}
	m, b.Rate = m.crest(settle, hold)
	b.Full = m.full(settle + hold/2)
	before, _, err := m.held(player, seed, 0, settle, hold)
	if err != nil {
		return b, err
	}
	b.Baseline = before
	low, high := 0, 100
	if b.Share, b.Limits, err = m.held(player, seed, 1, settle, hold); err != nil || !(b.Share > m.Objective.Harmed) {
		return b, err
	}
	for high-low > 1 {
		mid := (low + high) / 2
		share, limits, err := m.held(player, seed, float64(mid)/100, settle, hold)
		if err != nil {
			return b, err
		}
		if share > m.Objective.Harmed {
			high, b.Share, b.Limits = mid, share, limits
		} else {
			low = mid
		}
	}
	b.Harmed, b.Weight = true, float64(high)/100
	return b, nil
}

// fine is the time between two looks at a share that is held: apart enough for
// counts, near enough to tell causes from consequences.
const fine = 2 * time.Second

// crest moves the profiles so that a share that is held for so many seconds,
// from settle seconds on, meets the busiest such time of the rollout: the one
// from its first step on in which clients send most, the middle of several that
// are alike. It returns the most requests per second in that time as well.
func (m Model) crest(settle, hold float64) (Model, float64) {
	from := settle
	if len(m.Rollout.Steps) > 0 {
		from = m.Rollout.Steps[0].At
	}
	step := fine.Seconds()
	span := max(1, int(hold/step))
	sent := []float64{0} // sum of the rates from the first step on
	for k := range max(span, int((m.Length.Seconds()-from)/step)) {
		sent = append(sent, sent[k]+m.clients(from+(float64(k)+0.5)*step))
	}
	first, last := 0, 0 // the first and the last one of those that are alike
	most := sent[span]
	for k := 1; k+span < len(sent); k++ {
		switch sum := sent[k+span] - sent[k]; {
		case sum > most*(1+1e-9):
			first, last, most = k, k, sum
		case sum >= most*(1-1e-9) && last == k-1:
			last = k
		}
	}
	begin := from + step*float64((first+last)/2)
	m.Services = slices.Clone(m.Services)
	for i := range m.Services {
		s := &m.Services[i]
		s.Profile = slices.Clone(s.Profile)
		for k := range s.Profile {
			s.Profile[k].At -= begin - settle
		}
	}
	top := 0.0
	for k := range span + 1 {
		top = math.Max(top, m.clients(settle+float64(k)*step))
	}
	return m, top
}

// full returns after how many seconds of the traffic of a moment the instance
// that leaks fastest has no memory left when the new version serves all of it;
// +Inf where it never does. Each instance gets the same requests, and nothing
// is tried again.
func (m Model) full(at float64) float64 {
	order, err := m.order()
	if err != nil {
		return math.Inf(1)
	}
	n := m.New.Instances
	if m.Rollout.Shared {
		n = m.Services[m.Rollout.Service].Instances
	}
	b := box{}
	b.resize(n)
	pace := 0.0
	for _, s := range b.slots {
		pace = math.Max(pace, s.pace)
	}
	requests := m.visits(order, func(s Service) float64 { return s.rate(at) })[m.Rollout.Service] / float64(n)
	return (m.New.Memory.Limit - m.New.Memory.Base) / (m.New.Memory.Leak * requests * pace)
}

// clients returns the requests per second of all clients at a time.
func (m Model) clients(t float64) (sum float64) {
	for _, s := range m.Services {
		sum += s.rate(t)
	}
	return sum
}

// held plays a model whose new version has one share from settle seconds on,
// and returns the worst share of harmed requests over three frames together,
// and the limits that were passed by then, the first one first.
func (m Model) held(player Player, seed uint64, weight, settle, hold float64) (float64, []Use, error) {
	span := max(1, int(3*m.Interval/fine))
	m.Interval = fine
	m.Rollout.Steps = []Raise{{At: settle, Weight: weight}}
	m.Length = time.Duration((settle + hold) * 1e9)
	ticks, err := m.Play(player, seed)
	if err != nil {
		return 0, nil, err
	}
	var last []Callers
	worst, harmed := 0.0, -1
	l := limits{}
	k := -1
	for t := range ticks {
		if t.Frame.Exposure[0].Step == 0 || t.Frame.Exposure[0].Weight != t.Weight {
			continue
		}
		k++
		if last = append(last, t.Callers); len(last) > span {
			last = last[1:]
		}
		var sum Callers
		for _, c := range last {
			sum.Requests, sum.Failed, sum.Slow = sum.Requests+c.Requests, sum.Failed+c.Failed, sum.Slow+c.Slow
		}
		if h := sum.Harmed(); len(last) == span && h > worst {
			worst = h
		}
		if harmed < 0 && t.Callers.Harmed() > m.Objective.Harmed {
			harmed = k
		}
		if harmed < 0 || k <= harmed+1 { // what is passed later is a consequence
			l.see(k, t.Uses)
		}
	}
	return worst, l.passed(), nil
}

// limits are the most that each limit was used, and when it was first passed.
type limits map[string]*limit

type limit struct {
	use   Use
	first int
	over  bool
}

func (l limits) see(k int, uses []Use) {
	for _, u := range uses {
		key := u.Version + " " + u.Service + " " + u.What
		have := l[key]
		if have == nil {
			have = &limit{use: u}
			l[key] = have
		}
		have.use.Share = math.Max(have.use.Share, u.Share)
		if !have.over && u.Share >= busiest {
			have.over, have.first = true, k
		}
	}
}

// together is how many frames apart limits are passed at the same time: then
// what is used up stands before what waits for it.
const together = 5

// rank orders limits from what is used up to what waits for it.
func (u Use) rank() int {
	switch {
	case strings.HasPrefix(u.What, "timeout"):
		return 3
	case u.What == "queue":
		return 2
	case u.What == "threads" || strings.HasPrefix(u.What, "pool"):
		return 1
	default:
		return 0
	}
}

// passed returns the limits that are passed, those passed first before those
// passed later, or the most used one.
func (l limits) passed() []Use {
	var all []*limit
	for _, x := range l {
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b *limit) int {
		switch {
		case a.over != b.over && a.over:
			return -1
		case a.over != b.over:
			return 1
		case !a.over && a.use.Share != b.use.Share:
			return -cmpFloat(a.use.Share, b.use.Share)
		case a.first/together != b.first/together:
			return a.first/together - b.first/together
		case a.use.rank() != b.use.rank():
			return a.use.rank() - b.use.rank()
		case a.use.Share != b.use.Share:
			return -cmpFloat(a.use.Share, b.use.Share)
		}
		return strings.Compare(a.use.String(), b.use.String())
	})
	var out []Use
	for i, x := range all {
		if x.over || i == 0 {
			out = append(out, x.use)
		}
	}
	return out
}

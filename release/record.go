package release

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/prediction"
)

// A Past is how right predictions of one kind were so far.
type Past struct {
	Right  int    `json:"right"`
	Of     int    `json:"of"`     // finished predictions
	Factor Number `json:"factor"` // how many times as wide the interval is as it would be without the record
}

// String says "right 17 of 20 times so far"; "" of no record.
func (p *Past) String() string {
	if p == nil || p.Of == 0 {
		return ""
	}
	return fmt.Sprintf("right %d of %d times so far", p.Right, p.Of)
}

// after is String behind what is said of one prediction.
func (p *Past) after() string {
	if text := p.String(); text != "" {
		return "; " + text
	}
	return ""
}

// Seconds returns the points of a time span in seconds, NaN for one that is
// not to be read.
func (d *Durations) Seconds() (p10, p50, p90 float64) {
	return seconds(d.P10), seconds(d.P50), seconds(d.P90)
}

// seconds reads a span as [shortDuration] writes it.
func seconds(text string) float64 {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		if err != nil {
			return math.NaN()
		}
		return 24 * d.Seconds()
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return math.NaN()
	}
	return d.Seconds()
}

// Tracked returns an assessment whose intervals are widened by the record of
// those before, and which says how right they were. Nothing else of it changes,
// and nothing that a verdict rests on: the fold knows of no record.
func (a Assessment) Tracked(c *prediction.Conformal) Assessment {
	a.Predictions = slices.Clone(a.Predictions)
	for i := range a.Predictions {
		p := &a.Predictions[i]
		w := c.Of(p.Kind)
		if p.Inferred() {
			w = &c.Inferred // what nothing measures has a record of its own
		}
		switch {
		case w == nil:
			continue
		case p.Weight != nil:
			was := *p.Weight
			p.Weight = widenWeight(w, was)
			if was, now := interval(was), interval(*p.Weight); p.Weight.P50 <= 100 {
				a.Sentence, p.Text = strings.Replace(a.Sentence, was, now, 1), strings.Replace(p.Text, was, now, 1)
			}
		case p.At != nil:
			p.At = widenTimes(w, a.At, *p.At)
		default:
			continue // a reason, and no interval
		}
		p.Record = pastOf(w)
	}
	if a.Next != nil && a.Next.In != nil {
		next := *a.Next
		next.In, next.Record = widenSpan(&c.Rung, next.In), pastOf(&c.Rung)
		a.Next = &next
	}
	if a.NextStep != nil {
		next := *a.NextStep
		next.Record = pastOf(&c.NextStep)
		a.NextStep = &next
	}
	a.WhatNext = slices.Clone(a.WhatNext)
	for i := range a.WhatNext {
		h := &a.WhatNext[i]
		w := map[string]*prediction.Width{"rung": &c.Rung, "exhausted": &c.Exhausts, dailyPeak: &c.Peak}[h.Kind]
		if w == nil || h.In == nil {
			continue
		}
		was := h.In
		h.In = widenSpan(w, was)
		if h.Kind == "rung" {
			h.Watch = strings.Replace(h.Watch, " in "+was.P90+",", " in "+h.In.P90+",", 1)
		}
	}
	return a
}

// pastOf returns how right predictions were; nil of no record.
func pastOf(w *prediction.Width) *Past {
	if w.N == 0 {
		return nil
	}
	return &Past{Right: w.Right, Of: w.N, Factor: Number(w.Factor())}
}

// widenWeight widens weights in percent; none is under zero.
func widenWeight(w *prediction.Width, q Quantiles) *Quantiles {
	v := w.Widen(prediction.Points, prediction.Interval{P10: float64(q.P10), P50: float64(q.P50), P90: float64(q.P90)})
	return &Quantiles{P10: Number(math.Max(0, v.P10)), P50: q.P50, P90: Number(v.P90)}
}

// farthest is the longest span that is told, in seconds: about a hundred years.
const farthest = 100 * 365 * 24 * 3600

// widenTimes widens instants by their distance from now.
func widenTimes(w *prediction.Width, now time.Time, t Times) *Times {
	in := func(t time.Time) float64 { return t.Sub(now).Seconds() }
	v := w.Widen(prediction.Ratios, prediction.Interval{P10: in(t.P10), P50: in(t.P50), P90: in(t.P90)})
	at := func(s float64) time.Time { return now.Add(span(s)).Truncate(time.Second) }
	if w.Log == 0 {
		return &t
	}
	return &Times{P10: at(v.P10), P50: t.P50, P90: at(v.P90)}
}

func span(seconds float64) time.Duration {
	return time.Duration(math.Min(seconds, farthest) * float64(time.Second))
}

// widenSpan widens a time span; one that cannot be read stays as it is.
func widenSpan(w *prediction.Width, d *Durations) *Durations {
	p10, p50, p90 := d.Seconds()
	if w.Log == 0 || math.IsNaN(p10+p50+p90) {
		return d
	}
	v := w.Widen(prediction.Ratios, prediction.Interval{P10: p10, P50: p50, P90: p90})
	return &Durations{P10: shortDuration(span(v.P10)), P50: d.P50, P90: shortDuration(span(v.P90))}
}

// interval writes weights in percent as a sentence does: "61 % (40 to 84)".
func interval(q Quantiles) string {
	most := "over 100"
	if q.P90 <= 100 {
		most = fmt.Sprintf("%.0f", float64(q.P90))
	}
	return fmt.Sprintf("%.0f %% (%.0f to %s)", float64(q.P50), float64(q.P10), most)
}

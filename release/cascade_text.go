package release

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// A collapse is a cascade that a service within a release's reach is in.
type collapse struct {
	prediction.CascadeAhead
	service  int
	signal   int  // the latency it is seen in
	upstream bool // the release is of a caller
	near     bool // its load is near what it can bear
	least    bool // the amplification is a lower bound
	kept     bool // the queue is taken to keep the work of those who gave up
	back     prediction.Return
}

// leastMost is the amplification that has to have been seen before anything is
// said of a service that does well.
const leastMost = 1.5

// collapses returns the cascades that a release may be part of, the likeliest
// first: where calls are tried again and that is not far from what it can bear,
// where work piles up and a spike would do, and where it is well, and is near its
// capacity or callers were seen to multiply what a spike begins.
func (s *State) collapses(i int) []collapse {
	if i >= len(s.sys.Releases) {
		return nil
	}
	service := s.sys.Releases[i].Service
	down := s.sys.Graph.Downstream(service)
	var out []collapse
	for _, j := range s.reached(service) {
		c := s.mem.Services[j].Cascade
		if c == nil || c.Now <= prediction.Slower && c.Most < leastMost && !c.Near() {
			continue
		}
		x := collapse{
			CascadeAhead: c.Ahead(prediction.Callers{Timeout: math.NaN()}), service: j, signal: s.mem.Services[j].Waits,
			near: c.Now <= prediction.Slower && c.Near(), upstream: j < len(down) && down[j] > 0, least: c.Last.Changed && math.IsNaN(c.Last.Retries), kept: c.Leaves == 0,
		}
		if x.Phase <= prediction.Queueing && !(x.Margin < 0) || x.Phase == prediction.Retrying && x.Margin > 1 {
			continue
		}
		if x.near && c.Most < leastMost && !(x.Demand < x.Up) {
			continue // it stands where it was thought to fall
		}
		x.back = c.Back(x.CascadeAhead, x.upstream)
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b collapse) int { return cmp.Compare(b.Probability, a.Probability) })
	return out
}

// cascades puts the cascades on the wire.
func (s *State) cascades(xs []collapse) []Prediction {
	var out []Prediction
	for _, x := range xs {
		at := func(v float64) *Number { n := Number(v); return &n }
		out = append(out, Prediction{
			Kind: "cascade", Signal: s.signalName(x.signal), Service: s.sys.Services[x.service].Name, Probability: Number(x.Probability),
			Phase: x.Phase.String(), Amplification: at(x.Amplification), LoopGain: at(x.LoopGain), Tips: at(x.Up), Recovers: at(x.Down),
			Margin: at(x.Margin), Shed: at(x.Shed), Tries: at(x.Tries), Reason: x.Why, Text: s.cascadeText(x),
		})
	}
	return out
}

// cascadeText says how far a cascade has got, and what would end it.
func (s *State) cascadeText(x collapse) string {
	name := s.sys.Services[x.service].Name
	text := s.linkText(x, name)
	if x.Phase == prediction.Stuck {
		text += ", and go on to though the release has been taken back"
	}
	switch {
	case x.Why != "":
		return text + "; where it tips is not known: " + x.Why
	case math.IsNaN(x.Margin):
		return text + "; where it tips is not known: its load is not measured"
	case x.Margin >= 0 && x.Phase >= prediction.Collapsed:
		return fmt.Sprintf("%s; it has %s, and under %s it comes back by itself%s", text, perSecond(x.Demand), perSecond(x.Down), assumed(x))
	case x.Margin >= 0:
		return fmt.Sprintf("%s; it has %s and tips at %s at the latest; under %s a spike passes%s", text, perSecond(x.Demand), perSecond(x.Up), perSecond(x.Down), assumed(x))
	}
	mend := mendText(x.Shed, x.Tries)
	switch {
	case x.near && !math.IsNaN(x.Up):
		return fmt.Sprintf("%s has %s, with %s before, and tips at %s: if calls that wait too long are tried again, it does not recover by itself above %s%s",
			name, perSecond(x.Demand), perSecond(s.mem.Services[x.service].Cascade.Old.Demand), perSecond(x.Up), perSecond(x.Down), assumed(x))
	case x.Phase == prediction.Calm:
		return fmt.Sprintf("%s: above %s it does not recover by itself%s", text, perSecond(x.Down), assumed(x))
	case x.upstream && x.back.Known && x.back.Recovers:
		return fmt.Sprintf("%s; above %s it does not recover by itself%s: go back (it had %s before), %s; any one of these is enough", text, perSecond(x.Down), assumed(x), perSecond(x.back.Demand), mend)
	case x.back.Known && x.back.Recovers:
		return fmt.Sprintf("%s; above %s it does not recover by itself%s: go back (up to %s it did before), %s; any one of these is enough", text, perSecond(x.Down), assumed(x), perSecond(x.back.Down), mend)
	case x.back.Known:
		return fmt.Sprintf("%s; going back will not be enough above %s: %s", text, perSecond(x.back.Down), mendText(x.back.Shed, x.back.Tries))
	default:
		return fmt.Sprintf("%s; above %s it may not recover by itself%s: %s", text, perSecond(x.Down), assumed(x), mend)
	}
}

// mendText says what ends a collapse.
func mendText(shed, tries float64) string {
	text := fmt.Sprintf("shed %.0f %% of the load", math.Ceil(100*shed))
	if tries := triesText(tries); tries != "" {
		text += ", or " + tries
	}
	return text
}

// linkText says the link that the chain has come to.
func (s *State) linkText(x collapse, name string) string {
	by := fmt.Sprintf("retries multiply the calls to %s by %.1f", name, x.Amplification)
	if x.least {
		by += " or more"
	}
	switch x.Phase {
	case prediction.Stuck, prediction.Collapsed:
		return by + ", and most of them fail"
	case prediction.Multiplying:
		return by
	case prediction.Retrying:
		return fmt.Sprintf("calls to %s fail and are tried again", name)
	case prediction.Queueing:
		return fmt.Sprintf("work piles up in %s at the load that it had before", name)
	case prediction.Calm:
		return fmt.Sprintf("%s does well with %s, but a spike would bring it down to stay", name, perSecond(x.Demand))
	case prediction.Slower:
	}
	return fmt.Sprintf("%s takes longer at the load that it had before", name)
}

// assumed says what the point of recovery rests on and nobody saw: how often
// callers try, and whether those who give up leave the queue. That is seen in a
// collapse alone; where they do, it recovers at more than is said.
func assumed(x collapse) string {
	var on []string
	if x.Assumed {
		on = append(on, "its callers try twice")
	}
	if x.kept && x.Phase < prediction.Collapsed {
		on = append(on, "its queue keeps the work of callers who gave up")
	}
	if len(on) == 0 {
		return ""
	}
	return " (if " + strings.Join(on, " and ") + ")"
}

func perSecond(v float64) string { return signal.ParseUnit("req/s").Format(v) }

// triesText says how many tries are few enough; "" where not even one is.
func triesText(tries float64) string {
	switch {
	case !(tries >= 1):
		return ""
	case tries == 1:
		return "allow no retry"
	case tries == 2:
		return "allow at most 1 retry"
	default:
		return fmt.Sprintf("allow at most %.0f retries", tries-1)
	}
}

// collapseNext is the likeliest cascade among what may happen next.
func (s *State) collapseNext(xs []collapse) []Happening {
	if len(xs) == 0 || xs[0].Phase >= prediction.Collapsed {
		return nil // none, or it has happened
	}
	x := xs[0]
	name := s.sys.Services[x.service].Name
	h := Happening{Kind: "collapse", Text: name + " collapses under retries", Probability: Number(x.Probability)}
	waits := s.signalName(x.signal)
	if waits == "" {
		h.Watch = fmt.Sprintf("no signal would show it: look how long %s takes by hand", name)
	} else {
		level := ""
		if c := s.mem.Services[x.service].Cascade; c.Last.Latency > 0 {
			level = " under " + s.sys.Signals[x.signal].Unit.Format(c.Last.Latency)
		}
		h.Watch = fmt.Sprintf("if %s of %s is back%s while its load is not less, this is wrong", waits, name, level)
		if x.near && !math.IsNaN(x.Up) {
			h.Watch = fmt.Sprintf("if %s of %s does not rise when it gets %s, this is wrong", waits, name, perSecond(x.Up))
		}
	}
	return []Happening{h}
}

// unmended says that going back alone, or waiting, does not end a collapse, where
// that is the verdict; "" where it does or that is not known.
func (s *State) unmended(r ruling, xs []collapse) string {
	for _, x := range xs {
		name := s.sys.Services[x.service].Name
		switch back := r.Verdict == prevention.Rollback || r.Verdict == prevention.Escalate; {
		case back && x.Phase >= prediction.Multiplying && x.back.Known && !x.back.Recovers:
			return fmt.Sprintf(" Going back alone will not bring %s back while it gets more than %s: %s.", name, perSecond(x.back.Down), mendText(x.back.Shed, x.back.Tries))
		case r.Verdict == prevention.Hold && x.Phase >= prediction.Collapsed && !x.Assumed && x.Margin < 0:
			return fmt.Sprintf(" Waiting will not bring %s back while it gets more than %s: %s.", name, perSecond(x.Down), mendText(x.Shed, x.Tries))
		}
	}
	return ""
}

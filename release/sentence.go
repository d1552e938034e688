package release

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/trend"
)

// fill replaces the variables of a query as the engine does, so that evidence
// can be asked again.
func fill(query, service, selector string, interval time.Duration) string {
	window := (4 * interval).String() // 1m0s, 20m0s, 1h0m0s
	for _, whole := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(window, whole) {
			window = window[:len(window)-2]
		}
	}
	service = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(service)
	return strings.NewReplacer("$service", service, "$sel", selector, "$window", window).Replace(query)
}

// sentence says the verdict in one plain sentence about the next step, and at
// which exposure a limit is met, if one is known.
func (s *State) sentence(i int, r ruling, a *Assessment, sc *scene) string {
	text := s.verdictText(i, r, a, sc)
	fails := s.failsText(i, a, sc)
	if fails == "" || strings.Contains(text, fails) || r.Reason == prevention.Together {
		return text // where both versions fail, no share of the traffic is safe
	}
	if r.Verdict == prevention.Promote {
		return strings.TrimSuffix(text, ".") + "; it " + fails + "."
	}
	return text + " It " + fails + "."
}

func (s *State) verdictText(i int, r ruling, a *Assessment, sc *scene) string {
	who := a.ID
	step := s.stepText(i, a)
	switch {
	case r.Verdict == prevention.Promote:
		return s.promoteText(i, step, a, sc)
	case s.limited(r):
		return s.limitedText(i, r, a, sc)
	case r.Verdict == prevention.Unknown:
		return s.unknownText(i, r, a, sc)
	case r.Reason == prevention.HoldExpired:
		return fmt.Sprintf("A person must decide on %s: it has been held for %s without an answer; %s",
			who, shortDuration(a.At.Sub(s.mem.Subjects[i].Expired)), s.because(i, a, sc))
	case r.Reason == prevention.Together:
		return fmt.Sprintf("A person must look at %s now: both versions of %s failed as soon as it began (%s); stop it, and find out what they share (a migration that holds a lock, a schema, a cache) before going back, which may not undo it.",
			who, s.sys.Services[s.sys.Releases[i].Service].Name, s.sharedText(i, sc))
	case r.gets > 0 && r.Verdict == prevention.Hold && r.Reason == prevention.Suspect && !r.proven:
		return fmt.Sprintf("Hold %s before %s: %s.", who, step, misroutedText(r.gets, a.Weight))
	case r.Reason == prevention.UnsafeRollback:
		return fmt.Sprintf("A person must decide on %s: it does harm, but going back is not safe; %s", who, s.because(i, a, sc))
	case r.Verdict == prevention.Rollback && i >= len(s.sys.Releases):
		return fmt.Sprintf("Undo %s: %s", who, s.because(i, a, sc))
	case r.Verdict == prevention.Rollback:
		return fmt.Sprintf("Roll %s back before %s: %s", who, step, s.because(i, a, sc))
	case r.Reason == prevention.Elsewhere:
		return fmt.Sprintf("Hold %s before %s: %s", who, step, s.elsewhereText(i, sc))
	default:
		return fmt.Sprintf("Hold %s before %s: %s", who, step, s.because(i, a, sc))
	}
}

// failsText says at which exposure the nearest limit is met, or that it is met
// by now; "" when none is known to be met by 100 % of the traffic.
func (s *State) failsText(i int, a *Assessment, sc *scene) string {
	if i >= len(s.sys.Releases) {
		return ""
	}
	for _, x := range sc.failures[i] {
		if x.Why != trend.Known || x.P50 > 1 || x.Breach(1) < 0.5 {
			continue
		}
		at := Quantiles{P10: Number(100 * x.P10), P50: Number(100 * x.P50), P90: Number(100 * x.P90)}
		if a.Met(&Prediction{Weight: &at}) {
			return fmt.Sprintf("is at a limit by now, with %s %% of the traffic: %s", percent(float64(a.Weight)), s.limitText(x))
		}
		return fmt.Sprintf("fails at about %s: %s", interval(at), s.limitText(x))
	}
	return ""
}

// limitText names a limit that is met: "db pool full", "shop latency p99 at
// its limit of 500 ms", "errors of all of shop over the limit of 0.5 %".
func (s *State) limitText(x failure) string {
	sig, service := s.sys.Signals[x.signal], s.sys.Services[x.service].Name
	name := strings.NewReplacer("_", " ", "-", " ", ":", " ").Replace(sig.Name)
	if defective(sig) {
		return fmt.Sprintf("%s of all of %s over the limit of %s", name, service, sig.Unit.Format(x.limit))
	}
	if !strings.HasPrefix(name, service) {
		name = service + " " + name
	}
	share := sig.Unit.Dimension == signal.Ratio || sig.Unit.Dimension == signal.Things
	if wait, _ := answers(sig); share && !wait && sig.Direction() != signal.Down && sig.Kind != signal.Cache {
		return name + " full"
	}
	return fmt.Sprintf("%s at its limit of %s", name, sig.Unit.Format(x.limit))
}

// limitedText is about a release that does well where it is, and meets a limit
// ahead.
func (s *State) limitedText(i int, r ruling, a *Assessment, sc *scene) string {
	step, here := s.stepText(i, a), percent(float64(a.Weight))
	if r.Verdict == prevention.Unknown {
		k := slices.IndexFunc(sc.failures[i], func(x failure) bool { return x.Why == trend.TooFar })
		return fmt.Sprintf("Cannot tell yet about %s: at %s %% it does well, but %s may come before %s, too far from here to say; it takes %s.",
			a.ID, here, s.limitText(sc.failures[i][k]), step, a.Unknown.Needs)
	}
	fails := s.failsText(i, a, sc)
	if fails == "" {
		fails = "may fail at the next step"
	}
	switch {
	case r.harm >= s.policy.PromoteBelow:
		return fmt.Sprintf("Hold %s before %s: it %s.", a.ID, step, fails)
	case a.NextStep.Safe <= a.Weight:
		return fmt.Sprintf("Hold %s before %s: it does well at %s %%, but %s; no more than that is held to be safe.", a.ID, step, here, fails)
	}
	return fmt.Sprintf("Hold %s before %s: it does well at %s %%, but %s; up to %.0f %% is safe.", a.ID, step, here, fails, float64(a.NextStep.Safe))
}

// stepText names the next step.
func (s *State) stepText(i int, a *Assessment) string {
	if i >= len(s.sys.Releases) {
		return "anything else changes"
	}
	if a.NextStep == nil {
		return "closing the release"
	}
	return fmt.Sprintf("the step to %s %%", percent(float64(a.NextStep.Weight)))
}

func percent(w float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", w), ".0") }

func (s *State) promoteText(i int, step string, a *Assessment, sc *scene) string {
	worst, at := 0.0, -1
	for k, fd := range sc.releases[i] {
		if fd.Harm > worst && fd.Kind != signal.Infra {
			worst, at = fd.Harm, k
		}
	}
	frames := 0.0
	for fd := range each(sc.releases[i]) {
		frames = math.Max(frames, fd.Frames)
	}
	seen := fmt.Sprintf("%s over %.0f frames at %s %% %s no harm", numbered(len(sc.releases[i]), "signal"), frames, percent(float64(a.Weight)), shows(len(sc.releases[i])))
	seen += s.peakText(a) + s.unheardText(i)
	near := func(fd *finding) bool { return fd.Runs.Met >= likelyMet && fd.Runs.P50 <= mentioned }
	if fd := firstToRunOut(sc.shared, near); fd != nil {
		seen += "; but " + s.runsOutText(fd)
	}
	if i >= len(s.sys.Releases) {
		seen = fmt.Sprintf("%s %s no harm since it was made", numbered(len(sc.lately), "signal"), shows(len(sc.lately)))
		return fmt.Sprintf("%s may stay: %s.", a.ID, seen)
	}
	for _, e := range a.Evidence {
		if e.Small {
			sig := s.signalNamed(e.Signal)
			return fmt.Sprintf("%s is safe to take to %s: %s; %s went from %s to %s, too little to matter.",
				a.ID, stepTarget(step), seen, e.Signal, sig.Unit.Format(float64(e.Was)), sig.Unit.Format(float64(e.Value)))
		}
	}
	if at < 0 || worst < 0.01 {
		return fmt.Sprintf("%s is safe to take to %s: %s.", a.ID, stepTarget(step), seen)
	}
	return fmt.Sprintf("%s is safe to take to %s: %s; %s is the least sure, with %.0f %% chance of harm.",
		a.ID, stepTarget(step), seen, s.sys.Signals[sc.releases[i][at].Signal].Name, 100*worst)
}

// numbered writes how many there are of something: "1 signal", "4 signals".
func numbered(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// shows is the verb to so many.
func shows(n int) string {
	if n == 1 {
		return "shows"
	}
	return "show"
}

// peakText says that what does no harm now is to meet its limit at a later hour
// of the day; "" where nothing is.
func (s *State) peakText(a *Assessment) string {
	for _, p := range a.Predictions {
		if p.Kind == dailyPeak {
			return fmt.Sprintf(" at this hour, but %s is to meet its limit at about %s as the day usually goes", p.Signal, p.At.P50.UTC().Format("15:04"))
		}
	}
	return ""
}

// stepTarget turns "the step to 40 %" into "40 %".
func stepTarget(step string) string {
	if rest, ok := strings.CutPrefix(step, "the step to "); ok {
		return rest
	}
	return "its end"
}

func (s *State) signalNamed(name string) signal.Signal {
	for _, g := range s.sys.Signals {
		if g.Name == name {
			return g
		}
	}
	return signal.Signal{}
}

func (s *State) unknownText(i int, r ruling, a *Assessment, sc *scene) string {
	text := fmt.Sprintf("Cannot tell yet about %s: %s", a.ID, s.whyUnknown(i, r, a, sc))
	if a.Unknown == nil {
		return text + "."
	}
	text += "; it takes " + a.Unknown.Needs
	if a.Unknown.ETA != "" {
		text += ", about " + a.Unknown.ETA
	}
	return text + "."
}

func (s *State) whyUnknown(i int, r ruling, a *Assessment, sc *scene) string {
	x := &s.mem.Subjects[i]
	switch {
	case x.unasked():
		return "the metrics source has not answered since " + x.Unasked.UTC().Format(s.clock())
	case r.needs.frames <= 0 && r.needs.unasked != "":
		return fmt.Sprintf("%s has not been answered for more than %d frames", r.needs.unasked, lateAnswer)
	}
	if r.needs.never && x.Seen >= 0 {
		return "it has no traffic yet, and what it does with some is not known"
	}
	if r.needs.unproven && r.needs.frames <= 0 && s.doubt(i, sc, false) == "" {
		return "no failed request of it was counted, and too few were seen to rule failures out"
	}
	if r.needs.scraped && r.needs.frames <= 0 {
		return "nothing is told of it but how it is scraped, and that says nothing of what it does"
	}
	if n := s.doubt(i, sc, false); n != "" && a.Phase != pattern.Deploy.String() && a.Phase != pattern.Warmup.String() {
		return n
	}
	if l := sc.lacks[i]; l.Late && r.needs.frames <= 0 {
		return l.text() + "; they may still come"
	}
	if i < len(s.sys.Releases) {
		switch k := sc.silences[i].Kind; {
		case k == pattern.SilenceStarting && x.Seen < 0:
			return "nothing of the new version was seen yet, and it may still be starting"
		case k == pattern.SilenceStarting:
			return "the new version has stopped reporting, briefly so far"
		case k == pattern.SilenceShared:
			return "neither version reports: the witness is missing, not only the service"
		}
	}
	return "too little of the new version was seen"
}

// because names the number, the signal and the reason.
func (s *State) because(i int, a *Assessment, sc *scene) string {
	if silentNow(i, s, sc) {
		return s.silentText(i, sc)
	}
	best := -1
	for k, fd := range sc.releases[i] {
		if fd.Rejected && fd.Active && (best < 0 || louder(fd, sc.releases[i][best])) {
			best = k
		}
	}
	if best < 0 {
		text, l := s.suspicion(i, sc), sc.lacks[i]
		if l.Gone && s.dimmed(i, a) {
			return l.reason(text)
		}
		if text != "" {
			return text
		}
		if i < len(s.sys.Releases) && sc.laid[i] != nil {
			return s.laidText(i, sc.laid[i])
		}
		return s.calmText(i, a, sc)
	}
	fd := sc.releases[i][best]
	text := s.contrast(i, fd) + s.warmText(i, &fd, a, sc)
	if fd.Starts >= looping {
		text = fd.startsText()
	}
	if a.Next != nil && i < len(s.sys.Releases) {
		text += "; next to expect: " + a.Next.Rung
		if a.Next.In != nil {
			text += " in about " + a.Next.In.P50
		}
	}
	return text + causeText(a.Cause) + "."
}

// louder orders decided findings for the sentence: symptoms before resources,
// then the larger change.
func louder(a, b finding) bool {
	sa, sb := prevention.Symptom(a.Kind), prevention.Symptom(b.Kind)
	if sa != sb {
		return sa
	}
	return a.Effect/math.Max(a.Size, 1e-12) > b.Effect/math.Max(b.Size, 1e-12)
}

// contrast says how a finding's value stands against its reference.
func (s *State) contrast(i int, fd finding) string {
	sig := s.sys.Signals[fd.Signal]
	now, was := sig.Unit.Format(fd.Now), sig.Unit.Format(fd.Level)
	since := s.instant(fd.Onset.P50).UTC().Format(s.clock())
	switch {
	case i >= len(s.sys.Releases) && fd.Grows:
		return fmt.Sprintf("%s of %s keeps growing since %s (%s, was %s)", sig.Name, s.sys.Services[fd.Service].Name, since, now, was)
	case i >= len(s.sys.Releases):
		return fmt.Sprintf("%s of %s is %s since %s, was %s before", sig.Name, s.sys.Services[fd.Service].Name, now, since, was)
	case fd.Grows:
		return fmt.Sprintf("%s keeps growing since %s (%s against %s %s)", sig.Name, since, now, was, s.reference(i))
	case fd.further():
		return fmt.Sprintf("%s is %s by now, and has been %s in the mean since %s, against %s %s", sig.Name, sig.Unit.Format(fd.latest()), now, since, was, s.reference(i))
	default:
		return fmt.Sprintf("%s is %s against %s %s since %s", sig.Name, now, was, s.reference(i), since)
	}
}

// further says whether the last frames lie further from the reference, by half, than the
// mean since the onset does: then that is not what it is. What is counted is told
// by all its counts.
func (f *finding) further() bool {
	by, now := f.Now-f.Level, f.latest()-f.Level
	return !f.Counted && math.Abs(now) > 1.5*math.Abs(by) && now*by > 0
}

// clock is the layout of a time of day: with seconds where frames are less
// than a minute apart.
func (s *State) clock() string {
	if s.sys.Interval < time.Minute {
		return "15:04:05"
	}
	return "15:04"
}

func (s *State) silentText(i int, sc *scene) string {
	sil := sc.silences[i]
	since := s.instant(float64(s.mem.Frame - sil.For + 1)).UTC().Format(s.clock())
	text := fmt.Sprintf("the new version has served nothing since %s while the control serves", since)
	if sil.Alone {
		return s.aloneText(i, since, sc)
	}
	switch {
	case sil.Kind == pattern.SilenceTarget:
		return fmt.Sprintf("its metrics are missing since %s, though the control's traffic shows that it takes its share; mend its exporter to see more.", since)
	case sc.suffer[i]:
		return text + ", and its callers suffer."
	default:
		return text + "; that its callers suffer is not seen. Look whether it gets ready, and whether traffic reaches it."
	}
}

// elsewhereText names the incident that is not this release's.
func (s *State) elsewhereText(i int, sc *scene) string {
	r := s.sys.Releases[i]
	for fd := range each(sc.alike[i]) {
		if fd.Rejected && fd.Active {
			sig := s.sys.Signals[fd.Signal]
			return fmt.Sprintf("both versions of %s fail alike (%s of the control is %s, was %s), %s",
				s.sys.Services[r.Service].Name, sig.Name, sig.Unit.Format(fd.Now), sig.Unit.Format(fd.Level), s.acquittal(i, fd, sc))
		}
	}
	for k, inc := range sc.incidents {
		if !sc.blame.Owned[k] || inc.Service == r.Service {
			text := fmt.Sprintf("%s is in trouble since %s, ", s.sys.Services[inc.Service].Name, s.instant(inc.Onset).UTC().Format(s.clock()))
			if began := s.began(i, inc.Onset); began != "" {
				return text + began + ", and that is not laid to it so far; wait until it is known whose it is."
			}
			return text + "and that is not laid to this release; wait until it is over."
		}
	}
	if fd := isOut(sc); fd != nil {
		return s.isOutText(i, fd) + "."
	}
	if fd := runsOutSoon(sc, s.outFrom(i)); fd != nil {
		return s.runsOutText(fd) + ", and that is not laid to this release; wait until that is mended."
	}
	return "an incident of another cause is just ending; it is watched a little longer."
}

package release

import (
	"fmt"
	"math"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// aloneText says of a version beside which no other one serves that it is
// silent, and what was served before.
func (s *State) aloneText(i int, since string, sc *scene) string {
	x, r := &s.mem.Subjects[i], s.sys.Releases[i]
	service := s.sys.Services[r.Service].Name
	if sc.silences[i].Kind == pattern.SilenceAlone {
		return s.goneText(i, since)
	}
	text := fmt.Sprintf("%s has served nothing since %s%s", service, since, s.usualText(x))
	switch {
	case sc.suffer[i]:
		return text + ", and its callers suffer."
	case s.unasks(r.Service):
		return text + ". What calls it serves nothing either: look whether anybody sends it work."
	default:
		return text + ". Look whether it gets ready, and whether traffic reaches it."
	}
}

// goneText says that nothing reports, which may be the metrics alone.
func (s *State) goneText(i int, since string) string {
	x := &s.mem.Subjects[i]
	if s.sys.Releases[i].Canary == "" {
		return "it is not said by which labels the new version is known, so nothing of it can be seen; give its label matchers (cohorts.canary, such as version=\"v2\")."
	}
	const alone = "no other version is there to tell whether it serves; look whether it runs, and mend its metrics."
	if x.Seen < 0 {
		return "nothing of the new version has ever been seen, and " + alone
	}
	return "the new version has reported nothing since " + since + ", and " + alone
}

// usualText says what a service served before it was silent; "" where that is
// not measured.
func (s *State) usualText(x *subject) string {
	for _, sig := range s.sys.Signals {
		if sig.Kind == signal.Traffic && sig.Unit.Dimension == signal.Rate && !math.IsNaN(x.Work.Usual) {
			return "; before, it served " + sig.Unit.Format(x.Work.Usual/s.sys.Interval.Seconds())
		}
	}
	return ""
}

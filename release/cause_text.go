package release

import (
	"fmt"

	"github.com/foreshock/foreshock/prediction"
)

// causeText names the class of cause, or that two are as likely as one; "" when
// none is read.
func causeText(cs []CauseClass) string {
	switch {
	case len(cs) == 0:
		return ""
	case !tells(cs):
		return fmt.Sprintf(". It does not show yet what kind of fault it is; the likeliest are %s (%.0f %%) and %s (%.0f %%)",
			cs[0].Class, 100*float64(cs[0].Probability), cs[1].Class, 100*float64(cs[1].Probability))
	default:
		return fmt.Sprintf(". It looks like %s (%.0f %%)", classText(cs[0].Class), 100*float64(cs[0].Probability))
	}
}

// tells says whether one class of cause stands out: more likely than not.
func tells(cs []CauseClass) bool { return len(cs) < 2 || cs[0].Probability >= 0.5 }

// suspicion names the strongest evidence that is not proof yet; "" when there
// is none that counts.
func (s *State) suspicion(i int, sc *scene) string {
	best := -1
	for k, fd := range sc.releases[i] {
		if s.suspects(i, &fd) && (best < 0 || fd.LogE > sc.releases[i][best].LogE) {
			best = k
		}
	}
	if best < 0 {
		return ""
	}
	fd := sc.releases[i][best]
	switch {
	case fd.Starts > 0:
		return fd.startsText()
	case fd.near() && !fd.Suspected:
		return s.nearText(i, &fd)
	}
	if by := rarely(fd.LogE); by != "" {
		return fmt.Sprintf("%s; that comes %s, so it is likely, and not proven yet.", s.contrast(i, fd), by)
	}
	return s.contrast(i, fd) + "; that is likely, and not proven yet."
}

func classText(class string) string {
	switch class {
	case prediction.Config.String():
		return "a configuration fault"
	case prediction.Infra.String():
		return "a fault of the infrastructure"
	case prediction.DB.String():
		return "a database fault"
	case prediction.Routing.String():
		return "a routing fault"
	default:
		return "a fault in the code"
	}
}

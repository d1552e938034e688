package release

import (
	"fmt"
	"math"

	"github.com/foreshock/foreshock/pattern"
)

// atOnce is within how many frames of a release's first step what it does to
// both versions shows.
const atOnce = 2

// atOnceFrames is for how many frames that must stand before a person is
// called: evidence of the release's own may come up meanwhile, and speaks then.
const atOnceFrames = 3

// atOnce says whether both versions fail since a release began, so that it is
// no chance: a migration, a lock, a cache that was emptied, a schema that one
// version cannot read. That some incident begins by itself within these few
// frames of all is rarer than a release that hurts what both versions share.
//
// It is not said where another release or change began then too, where
// another one has evidence of its own, or where it has itself: then that speaks.
func (s *State) atOnce(i int, sc *scene) bool {
	near := func(onset float64) bool { return withFrame(onset, s.mem.Subjects[i].Begun) }
	for k := range s.mem.Subjects {
		if x := &s.mem.Subjects[k]; x.Begun >= 0 && (k != i && near(float64(x.Begun)) || proves(sc.releases[k])) {
			return false
		}
	}
	suffers := false
	for _, inc := range sc.incidents {
		suffers = suffers || !inc.Overload && inc.Service == s.sys.Releases[i].Service && near(inc.Earliest)
	}
	if !suffers {
		return false
	}
	for fd := range each(sc.alike[i]) {
		if fd.Rejected && fd.Active && near(fd.Onset.P10) && s.isBad(fd) && !s.spared(i, fd) {
			return true
		}
	}
	return false
}

// isBad says whether what is worse is so in this very frame: by what was counted in
// it, or, where that is not known, because it has been worse for longer than its
// values look back. One bad frame shows in all values that it is part of.
func (s *State) isBad(fd *finding) bool {
	if t := fd.Subject; counted(s.sys.Signals[fd.Signal]) && t.N > 0 && !math.IsNaN(t.Events) {
		usual := s.mayFail(fd.Signal, fd.Level)
		return t.Events/t.N > usual+s.matters(fd.Signal, usual)
	}
	return float64(s.mem.Frame) >= fd.Onset.P50+math.Max(1, float64(s.sys.Signals[fd.Signal].Window))
}

// withFrame says whether something that began in a frame at the earliest began with
// another one.
func withFrame(onset float64, frame int) bool {
	return onset >= float64(frame)-1 && onset <= float64(frame+atOnce)
}

// began says with what of a release something began: the release itself, or
// its last step; "" where with neither.
func (s *State) began(i int, onset float64) string {
	x, steps := &s.mem.Subjects[i], s.sys.Releases[i].Steps
	switch {
	case x.Begun < 0:
		return ""
	case withFrame(onset, x.Begun):
		return "as this release began"
	case withFrame(onset, x.Stepped) && x.Step > 0 && x.Step <= len(steps):
		return fmt.Sprintf("about as this release took its step to %s %%", percent(100*steps[x.Step-1].Weight))
	default:
		return ""
	}
}

// acquittal says what it means that both versions fail alike. That it is not
// this release is said only where it did not begin with a step of it: a
// migration that holds a lock hurts the stable version as well.
func (s *State) acquittal(i int, fd *finding, sc *scene) string {
	onset := fd.Onset.P10
	if fd.Onset == (pattern.Onset{}) {
		onset = float64(s.mem.Frame) // too new to be dated
	}
	began := s.began(i, onset)
	if began == "" {
		return "so it is not this release; wait until that is over."
	}
	for k := range s.mem.Subjects {
		switch x := &s.mem.Subjects[k]; {
		case k == i || x.Begun < 0:
		case proves(sc.releases[k]):
			return fmt.Sprintf("and %s has evidence of its own; wait until that is over.", s.id(k))
		case withFrame(onset, x.Begun):
			return fmt.Sprintf("and that began %s, and %s did too; wait until it is known whose it is.", began, s.id(k))
		}
	}
	return "and that began " + began + ". It may be chance, or what the release does to both: a migration that holds a lock, a schema, a cache. Look there first, and wait until that is over."
}

// proves says whether a release has evidence of its own.
func proves(fs []finding) bool {
	for fd := range each(fs) {
		if fd.Rejected && fd.Active {
			return true
		}
	}
	return false
}

// sharedText names what is worst in both versions.
func (s *State) sharedText(i int, sc *scene) string {
	best, text := 0.0, "it has calmed down since"
	for fd := range each(sc.alike[i]) {
		if fd.Rejected && fd.Active && fd.LogE > best {
			sig := s.sys.Signals[fd.Signal]
			best, text = fd.LogE, fmt.Sprintf("%s of the stable one: %s instead of %s", sig.Name, sig.Unit.Format(fd.Now), sig.Unit.Format(fd.Level))
		}
	}
	return text
}

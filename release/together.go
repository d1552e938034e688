package release

import "fmt"

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
	begun := float64(s.mem.Subjects[i].Begun)
	near := func(onset float64) bool { return onset >= begun-1 && onset <= begun+atOnce }
	for k := range s.mem.Subjects {
		if x := &s.mem.Subjects[k]; x.Begun >= 0 && (k != i && near(float64(x.Begun)) || proves(sc.releases[k])) {
			return false
		}
	}
	suffers := false
	for _, inc := range sc.incidents {
		suffers = suffers || !inc.Overload && inc.Service == s.sys.Releases[i].Service && near(inc.Onset)
	}
	if !suffers {
		return false
	}
	for fd := range each(sc.alike[i]) {
		if fd.Rejected && fd.Active && near(fd.Onset.P50) {
			return true
		}
	}
	return false
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

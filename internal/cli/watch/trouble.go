package watch

import (
	"slices"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// A Trouble is a change in how the source of the metrics answers.
type Trouble struct {
	// Code is source-unreachable, nothing-discovered or query-failed, and ""
	// when all is answered again.
	Code  string
	Text  string    // what the source says, or said while it lasted
	Since time.Time // the first frame of what lasts, or of what has ended
}

// troubles are the codes of what comes and goes, the worse ones first.
var troubles = []string{"source-unreachable", "nothing-discovered", "query-failed"}

// An answering follows how the source answers from frame to frame.
type answering struct {
	now   Trouble // as it was told last
	told  bool    // anything was
	stood int     // frames since then
	other int     // frames in a row that were not as was told
}

// A source that comes and goes with every frame is told once and not each
// time: what was told less than so many frames ago is taken back only after
// some frames in a row.
const (
	steady = 10
	agreed = 2
)

// next takes the warnings of a frame and returns what has changed; nil when
// nothing has.
func (s *answering) next(at time.Time, warnings []signal.Warning) *Trouble {
	is := Trouble{Since: at}
	for _, code := range troubles {
		if i := slices.IndexFunc(warnings, func(w signal.Warning) bool { return w.Code == code }); i >= 0 {
			is.Code, is.Text = code, warnings[i].Text
			break
		}
	}
	if s.stood++; is.Code == s.now.Code {
		s.other = 0
		return nil
	}
	if s.other++; s.stood < steady && s.other < agreed && s.told {
		return nil
	}
	s.told, s.stood, s.other = true, 0, 0
	ended := s.now
	if is.Code == "" {
		is.Text, is.Since = ended.Text, ended.Since
	}
	s.now = is
	return &is
}

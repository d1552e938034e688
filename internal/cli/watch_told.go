package cli

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/foreshock/foreshock/internal/cli/watch"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
)

// told is what a reader of a watch knows already.
type told struct {
	verdict string // with its reason and whether it blames
	since   time.Time
	why     string // the words of the sentence
	new     string // other words, that may pass
	frames  int    // for which they have stood
	step    int
	phase   string
	rungs   map[string]bool
	at      time.Time // of the last line
	silent  *watch.Trouble
}

// heartbeat is how long a watch that has nothing new to tell is silent.
const heartbeat = time.Minute

// lasting is for how many frames an unknown or a hold must give another
// reason before that is told: which signal is the least sure may change to and fro.
const lasting = 3

// stamped begins a line of the story: when, and how far the release had got.
func (v *viewer) stamped(u watch.Update, text string) {
	v.told.at = u.At
	v.page.line(fmt.Sprintf("%s  %4s %%  %s", hms(u.At), percent(100*u.Exposure.Weight), text))
}

// trouble tells that the source of the metrics answers otherwise than before.
func (v *viewer) trouble(u watch.Update) {
	t, p := u.Trouble, &v.page
	if t == nil {
		return
	}
	v.told.silent = t
	stays := "Until then the verdict is unknown, or one that was final before; it is never promote."
	switch t.Code {
	case "source-unreachable":
		v.stamped(u, p.paint(bold+";"+yellow, "! NO ANSWER"))
		p.wrapped(upper(t.Text) + ". It is asked again with every frame. " + stays)
	case "nothing-discovered":
		v.stamped(u, p.paint(bold+";"+yellow, "! NO SIGNALS"))
		p.wrapped(upper(t.Text) + ". They are looked for again every other frame. " + stays)
	case "query-failed":
		v.stamped(u, p.paint(bold+";"+yellow, "! NO ANSWER IN PART"))
		p.wrapped(upper(t.Text) + ". What is not answered is not known: no promote rests on it.")
	default:
		v.told.silent = nil
		v.stamped(u, p.paint(bold, "all is answered again")+fmt.Sprintf(", after %s; %s", short(u.At.Sub(t.Since).Round(time.Second)), answering(u)))
	}
}

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// answering says how many signals answer.
func answering(u watch.Update) string {
	return fmt.Sprintf("%d of %s have a value", u.Answered, count(u.Asked, "signal"))
}

// course tells that a step, a phase or a rung of the ladder has begun.
func (v *viewer) course(u watch.Update, as *release.Assessment) {
	if s := u.Exposure.Step; s != v.told.step {
		if s > 0 {
			v.stamped(u, v.page.paint(bold, fmt.Sprintf("step %d", s))+" begins")
		}
		v.told.step = s
	}
	if as.Phase != v.told.phase {
		v.told.phase = as.Phase
		v.stamped(u, v.page.paint(bold, "phase "+as.Phase)+", until "+as.PhaseEnds)
	}
	for _, c := range as.Ladder {
		if key := c.Rung + " " + c.Signal; !v.told.rungs[key] {
			v.told.rungs[key] = true
			v.stamped(u, v.page.paint(bold, "rung "+c.Rung)+fmt.Sprintf(" of the ladder, since about %s: %s", hms(c.Onset.P50), c.Signal))
		}
	}
}

// news says whether the verdict, or why it is an unknown or a hold, is
// another than was told.
func (v *viewer) news(as *release.Assessment) bool {
	t := &v.told
	key, why := fmt.Sprint(as.Verdict, as.Reason, as.Blames), reason(as)
	fresh := key != t.verdict
	if fresh && !strings.HasPrefix(t.verdict, as.Verdict) {
		t.since = as.At
	}
	switch {
	case fresh || why == t.why:
		t.new, t.frames = "", 0
	case why == t.new:
		t.frames++
	default:
		t.new, t.frames = why, 1
	}
	if !fresh && t.frames < lasting {
		return false
	}
	t.verdict, t.why, t.new, t.frames = key, why, "", 0
	return true
}

// reason returns the words that say why it is an unknown or a hold, without the
// numbers, which change with every frame; "" for the other verdicts.
func reason(as *release.Assessment) string {
	switch as.Verdict {
	case prevention.Unknown.String(), prevention.Hold.String():
	default:
		return ""
	}
	clause, _, _ := strings.Cut(as.Sentence, ";")
	return strings.Join(strings.FieldsFunc(clause, func(r rune) bool { return !unicode.IsLetter(r) && r != '/' && r != '_' }), " ")
}

// beat tells that the watch lives, when nothing else was told for a while. On a
// terminal there is a line for that already.
func (v *viewer) beat(u watch.Update, as *release.Assessment) {
	switch {
	case v.told.at.IsZero(), u.Past > 0:
		v.told.at = u.At
		return
	case v.prog != nil || u.At.Sub(v.told.at) < heartbeat:
		return
	}
	if as == nil {
		v.stamped(u, "no traffic on the new version yet; what is usual is being learned")
	} else {
		v.stamped(u, v.page.verdict(as.Verdict)+" still, since "+hms(v.told.since))
	}
	text := answering(u)
	if t := v.told.silent; t != nil && t.Code != "query-failed" {
		text = "no answer since " + hms(t.Since)
	}
	if as != nil && as.Unknown != nil && as.Unknown.Needs != "" {
		text += "; it takes " + as.Unknown.Needs
	}
	v.page.wrapped(text)
}

// text tells one frame to people, if there is anything to tell.
func (v *viewer) text(u watch.Update) error {
	v.trouble(u)
	var as *release.Assessment
	for i := range u.Assessments {
		as = &u.Assessments[i]
		v.course(u, as)
		if !v.news(as) {
			continue
		}
		v.stamped(u, v.page.verdict(as.Verdict))
		v.page.wrapped(as.Sentence)
		if as.Warns() {
			v.details(as)
		}
	}
	v.beat(u, as)
	if v.page.Len() == 0 {
		return nil
	}
	return v.flush()
}

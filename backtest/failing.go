package backtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// FailingTable writes a line of Markdown for every bad release of which the
// weight at which it fails is known: what was said of that first and last before
// it failed, or why nothing was.
func FailingTable(scores []Score) string {
	var b strings.Builder
	b.WriteString("| recording | half | fails at | said first, and when | said last | |\n|---|---|---|---|---|---|\n")
	var said, right, unsaid int
	sorted := slices.SortedFunc(slices.Values(scores), func(a, b Score) int { return cmp.Compare(a.Recording, b.Recording) })
	for _, s := range sorted {
		for _, x := range s.Subjects {
			if !x.Bad || isNaN(x.FailsAt) {
				continue
			}
			first, last := s.word(FailsAtFirst, x.ID), s.word(FailsAt, x.ID)
			cells := []string{s.Recording, s.Split, whole(x.FailsAt) + " %"}
			if last == nil {
				unsaid++
				cells = append(cells, "not said: "+x.whyUnsaid(), "", "")
			} else {
				said++
				right += count(last.Right != nil && *last.Right)
				cells = append(cells, first.at()+", "+first.when(), last.at(), rightOrWrong(first, last))
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	fmt.Fprintf(&b, "\nSaid of %d, the last word right of %d of them; not said of %d.\n", said, right, unsaid)
	return b.String()
}

// word returns what was kept of a kind of a release; nil when nothing was.
func (s Score) word(kind, id string) *Kept {
	for i, k := range s.Predictions {
		if k.Kind == kind && k.ID == id {
			return &s.Predictions[i]
		}
	}
	return nil
}

// at writes a weight with its interval and the signal.
func (k *Kept) at() string {
	return fmt.Sprintf("%s %% (%s to %s) by %s", whole(k.P50), whole(k.P10), whole(k.P90), k.What)
}

// when says at which weight it was said, and how long before it came.
func (k *Kept) when() string {
	text := fmt.Sprintf("at %s %%", whole(k.Weight))
	if isNaN(k.Lead) {
		return text
	}
	return fmt.Sprintf("%s and %v before", text, time.Duration(float64(k.Lead)*float64(time.Second)).Round(time.Second))
}

// rightOrWrong says whether the first and the last word hold the truth.
func rightOrWrong(first, last *Kept) string {
	was, is := first.Right != nil && *first.Right, last.Right != nil && *last.Right
	switch {
	case was && is:
		return "right"
	case is:
		return "right, the first wrong"
	case was:
		return "wrong, the first right"
	default:
		return "wrong"
	}
}

// whyUnsaid says why no weight was foretold.
func (x Subject) whyUnsaid() string {
	switch {
	case !x.FailsLater:
		return "it fails in its first step"
	case x.NotForetold != "":
		return x.NotForetold
	default:
		return "nothing with a limit was seen to answer to the share"
	}
}

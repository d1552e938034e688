package release

// note keeps the books of presence of one release. What was not answered is
// neither there nor missing; and where no traffic was planned for it, that it
// serves nothing is as planned.
func (x *subject) note(seen sight, frame int, planned bool) {
	blind := x.unasked()
	if seen.control.seen() || !seen.control.missing && !blind {
		x.Reports += memoryShare * (share(seen.control.seen()) - x.Reports)
	}
	if seen.control.served || !seen.control.noServed && !blind {
		x.Serves += memoryShare * (share(seen.control.served) - x.Serves)
	}
	if seen.serves {
		x.Work.see(seen.canary.served || seen.control.served, blind || seen.canary.noServed || seen.control.noServed)
	}
	if x.Begun < 0 {
		return
	}
	if seen.canary.seen() && x.Seen < 0 {
		x.Seen = frame
	}
	if planned && x.Routed < 0 {
		x.Routed = frame
	}
	x.Missed = run(x.Missed, seen.canary.seen(), blind || seen.canary.missing)
	if !seen.serves {
		x.Starved, x.Idle = 0, 0
		return
	}
	x.Starved = run(x.Starved, seen.control.served, blind || seen.control.noServed)
	x.Idle = run(x.Idle, seen.canary.served, blind || seen.canary.noServed || !planned)
}

func share(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// run counts frames in a row without a sight; blind ones do not count.
func run(n int, seen, blind bool) int {
	switch {
	case seen:
		return 0
	case blind:
		return n
	default:
		return n + 1
	}
}

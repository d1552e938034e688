package backtest

import "github.com/foreshock/foreshock/release"

// enterCascades keeps the first word of each service that a cascade may bring
// down, and notes those that it did: from then on most calls to the service fail
// and are made again. That is read off the frames by the engine itself, like a
// rung; what had come before anything was said of it was not foretold.
func (j *Judge) enterCascades(i int, a *release.Assessment) {
	for _, p := range a.Predictions {
		if p.Kind != Cascade {
			continue
		}
		at := growing{subject: i, service: p.Service}
		k, said := j.ledger.cascades[at]
		down := p.Phase == "collapsed" || p.Phase == "stuck"
		switch {
		case !said && down:
			j.ledger.cascades[at] = nil
		case !said:
			j.ledger.cascades[at] = keepOf(Cascade, p.Service, a, p.Probability)
		case k != nil && k.Came == nil && down:
			in := a.At.Sub(k.At).Seconds()
			k.came(in-j.sys.Interval.Seconds(), in, in)
		}
	}
}

// closeCascade says that a collapse did not come where the release took its
// last step and the service stood. Where it stopped sooner nobody can tell.
func (j *Judge) closeCascade(at growing, k *Kept) {
	steps := j.sys.Releases[at.subject].Steps
	if k.Came == nil && !steps[len(steps)-1].At.After(j.last) {
		k.failed(false)
	}
}

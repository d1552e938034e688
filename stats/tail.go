package stats

import "math"

// A TailTest watches whether more of one cohort's observations are over a
// bound than of another's. It holds an e-process against "of both cohorts the
// same share is over it", so it may be looked at after every frame.
//
// In a frame with y of n canary and z of m control observations over the
// bound, each of the y+z falls on the canary with probability ρ = n/(n+m) if
// there is no difference; with a lift d of the odds, with p(d) as in
// [CountTest]. A change may begin in any frame t = 1, 2, …: the statistic is a
// mixture over when it did, with weights wₜ = 1/(t(t+1)) that add up to 1,
//
//	S(d) ← (S(d) + wₜ)·Eₜ(d),   Eₜ(d) = (p(d)/ρ)^y·((1−p(d))/(1−ρ))^z
//
// so that what began late has not the quiet time before against it, and what
// is over fades. The zero value with a Bound is ready to use.
//
// Slow observations come in bursts. The logarithm is divided by how much more
// the counts of either cohort vary from frame to frame within one step than
// independent ones would ([TailTest.Dispersion]): that keeps an e-value one
// (Jensen), and is a quasi-likelihood argument for bursts and not a proof. That
// a step brings more of them is what is looked for, and no burst.
//
// Source of the mixture over beginnings: J. Shin, A. Ramdas, A. Rinaldo,
// E-detectors: a nonparametric framework for sequential change detection
// (2022), §2.3, with weights that make it an e-process.
type TailTest struct {
	Bound           float64 // in the signal's base unit
	Log             [len(lifts)]float64
	Largest         [len(lifts)]float64 // what the frame that says most adds to Log, ≥ 0
	Begun           float64             // frames in which both cohorts had observations
	Canary, Control Tail
	// Far is a bound beyond which it matters, 0 where there is no such bound, and
	// FarCanary and FarControl are what was seen over it.
	Far                   float64
	FarCanary, FarControl Tail
}

// A Tail is what was seen of one cohort's observations: Over of N over the
// bound, and how they varied from frame to frame against the rate before:
// Pearson's statistic and its number of terms. PastOver and PastN are what was
// seen before the last step, HeldOver and HeldN what is still gathered.
type Tail struct{ Over, N, Pearson, Frames, PastOver, PastN, HeldOver, HeldN float64 }

// add takes y of n observations.
//
//	(y − n·r)² / (n·r·(1 − r)·(1 + n/N)),   r = Over/N of this step before this frame
//
// is 1 on average where they are independent: 1 + n/N allows for what is not
// known of r. Frames that expect less than one of either kind do not count.
func (t *Tail) add(y, n float64) {
	if seen := t.N - t.PastN; seen > 0 {
		r := (t.Over - t.PastOver) / seen
		if want := n * r; want >= 1 && n-want >= 1 {
			t.Pearson += (y - want) * (y - want) / (want * (1 - r) * (1 + n/seen))
			t.Frames++
		}
	}
	t.Over, t.N = t.Over+y, t.N+n
}

// gather is add for what is rare: frames are put together until they expect one
// over the bound, so that single frames, which expect less, tell of bursts too.
func (t *Tail) gather(y, n float64) {
	t.HeldOver, t.HeldN = t.HeldOver+y, t.HeldN+n
	if t.HeldN*(t.Over+0.5) >= t.N+1 {
		t.add(t.HeldOver, t.HeldN)
		t.HeldOver, t.HeldN = 0, 0
	}
}

// counts returns how many of how many are over the bound, as many fewer as
// their dispersion says.
func (t *Tail) counts() (over, n float64) {
	by := t.dispersion(believedDispersion)
	return (t.Over + t.HeldOver) / by, (t.N + t.HeldN) / by
}

// What is believed of the dispersion before anything was seen: as much as
// from so many frames.
const believedDispersion, believedFrames = 3, 8

// dispersion returns how many times more the counts vary than independent
// ones, at least 1; believed is what it is taken for before anything was seen.
func (t *Tail) dispersion(believed float64) float64 {
	return math.Max(1, (t.Pearson+believed*believedFrames)/(t.Frames+believedFrames))
}

// Dispersion returns the larger dispersion of the two cohorts, ≥ 1.
func (t *TailTest) Dispersion() float64 {
	return math.Max(t.Canary.dispersion(believedDispersion), t.Control.dispersion(believedDispersion))
}

// Stepped says that a step of the release began: how many observations are over
// the bound may be another from here on, of either cohort.
func (t *TailTest) Stepped() {
	for _, side := range []*Tail{&t.Canary, &t.Control} {
		side.PastOver, side.PastN = side.Over, side.N
	}
}

// Add takes one frame: y of n canary and z of m control observations were over
// the bound. With nothing on one side the other is only learned from.
func (t *TailTest) Add(y, n, z, m float64) {
	if !(n >= 0 && m >= 0 && y >= 0 && z >= 0 && y <= n && z <= m) {
		return
	}
	if n > 0 {
		t.Canary.add(y, n)
	}
	if m > 0 {
		t.Control.add(z, m)
	}
	if n == 0 || m == 0 {
		return
	}
	t.Begun++
	weight, rho := -math.Log(t.Begun*(t.Begun+1)), n/(n+m)
	for i, d := range lifts {
		p := rho * d / (rho*d + 1 - rho)
		was := weight
		if t.Begun > 1 {
			was = LogSumExp([]float64{t.Log[i], weight})
		}
		adds := y*math.Log(p/rho) + z*math.Log((1-p)/(1-rho))
		t.Log[i] = was + adds
		if t.Largest[i] = math.Max(t.Largest[i], adds); t.Log[i] <= 0 {
			t.Largest[i] = 0 // it has faded
		}
	}
}

// AddFar takes one frame of what is over the far bound, as [TailTest.Add] does.
func (t *TailTest) AddFar(y, n, z, m float64) {
	if n > 0 {
		t.FarCanary.gather(y, n)
	}
	if m > 0 {
		t.FarControl.gather(z, m)
	}
}

// FarProbability returns the posterior probability that the share of the
// canary's observations over the far bound exceeds the control's by more than a
// share, observations counting for as many as their dispersion leaves; NaN when
// there is no such bound, or nothing was seen.
func (t *TailTest) FarProbability(share float64) float64 {
	y, n := t.FarCanary.counts()
	if t.Far == 0 || n == 0 {
		return math.NaN()
	}
	z, m := t.FarControl.counts()
	if m == 0 {
		return OverProbability(y, n, share)
	}
	return ExcessProbability(y, n, z, m, share)
}

// LogEValue returns the logarithm of the e-value, tempered by the dispersion;
// 0 before both cohorts were seen. No frame says more than all others together:
// the requests of one short stall are slow together, and it need not come again.
func (t *TailTest) LogEValue() float64 {
	logs := t.Log
	for i, log := range logs {
		logs[i] = math.Min(log, 2*(log-t.Largest[i]))
	}
	return t.mixture(logs) / t.Dispersion()
}

// Suspicion is the same of all frames, where bursts are allowed for only as far as
// they were seen: enough to wait for, and no e-value where bursts are rare.
func (t *TailTest) Suspicion() float64 {
	return t.mixture(t.Log) / math.Max(t.Canary.dispersion(1), t.Control.dispersion(1))
}

func (t *TailTest) mixture(logs [len(lifts)]float64) float64 {
	if t.Begun == 0 {
		return 0
	}
	return LogSumExp(logs[:]) - math.Log(float64(len(lifts)))
}

package stats

import "math"

// A LateTest is a [LimitTest] of what may begin in any frame t = 1, 2, …: its statistic
// is a mixture over when it did, with weights wₜ = 1/(t(t+1)) that add up to 1,
//
//	S(d) ← (S(d) + wₜ)·Eₜ(d)
//
// with Eₜ(d) as there. What began late has not the quiet time before against it. The
// zero value is ready to use.
//
// Source: as of [TailTest].
type LateTest struct {
	Log  [len(limitLifts)]float64
	Seen float64 // frames
	Y, N float64 // events and observations in all of them
	// LateY and LateN are those since the e-value was last below 1.
	LateY, LateN float64
}

// Add takes y events among n observations, with the limit in force then.
func (l *LateTest) Add(y, n, limit float64) {
	var one LimitTest
	if one.Add(y, n, limit); one.N == 0 {
		return
	}
	l.Seen++
	weight := -math.Log(l.Seen * (l.Seen + 1))
	for i := range l.Log {
		was := weight
		if l.Seen > 1 {
			was = LogSumExp([]float64{l.Log[i], weight})
		}
		l.Log[i] = was + one.LogE[i]
	}
	l.Y, l.N = l.Y+y, l.N+n
	if l.LateY, l.LateN = l.LateY+y, l.LateN+n; l.LogEValue() <= 0 {
		l.LateY, l.LateN = 0, 0
	}
}

// LogEValue returns the logarithm of the mixture e-value; 0 before anything was seen.
func (l *LateTest) LogEValue() float64 {
	if l.Seen == 0 {
		return 0
	}
	return LogSumExp(l.Log[:]) - math.Log(float64(len(limitLifts)))
}

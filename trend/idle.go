package trend

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// oddsOfWork is the log odds at which it is believed that what a new version
// uses goes with its work, before any second weight was seen.
const oddsOfWork = oddsOfAnswer

// fromIdle answers from one weight alone, of a use that goes with the new
// version's own work: from what it is with nothing to do, in a straight line
// through what it is now. With e the exposure and m its mean value,
//
//	value(w) = idle + (m − idle)·w/e
//	Var      = (1 − w/e)²·Var(idle) + (w/e)²·Var(m)
//
// so that what is not known of idling widens it on both sides of e. This is
// the utilisation law (Denning, Buzen, The Operational Analysis of Queueing
// Network Models, 1978, §3): utilisation is throughput times demand.
func (r Response) fromIdle(f Failure, x *rows, e exposure) Failure {
	f.Why = OneExposure
	mean := e.sum / e.frames
	idle := r.sign() * r.Idle
	var ss, n float64
	values := make([]float64, 0, x.n)
	for i := range x.n {
		if math.Abs(x.weight[i]-e.weight) < 0.005 {
			ss += x.frames[i] * (x.value[i] - mean) * (x.value[i] - mean)
			n++
			values = append(values, x.value[i])
		}
	}
	if n < minGrown || !(mean > idle) || !(e.weight > 0) {
		return f
	}
	size := float64(r.Since.Size)
	floor := least * math.Abs(mean) / math.Sqrt(size)
	tau := stats.Autocorr(float64(r.Window)/size, values).Tau
	variance := (ss/(n-1) + floor*floor) * tau / n
	limit, zone := r.felt(x)
	own := r.IdleSE * r.IdleSE
	m := rival{
		shape: Linear, share: 1, terms: 2, effective: n / tau, nu: math.Max(2, n/tau-1), limit: limit, apart: zone * zone,
		a: idle, b: (mean - idle) / e.weight,
		aa: own, ab: -own / e.weight, bb: (variance + own) / (e.weight * e.weight),
	}
	f.rivals, f.full, f.Evidence, f.Shape = []rival{m}, math.Inf(1), oddsOfWork, Linear
	f.answer(1, e.weight)
	return f
}

package signal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Format writes a value in the unit's base as a person would: "820 ms",
// "1.3 GiB", "12.5 %", "240 requests/s". NaN is "no value".
func (u Unit) Format(v float64) string {
	if math.IsNaN(v) {
		return "no value"
	}
	switch u.Dimension {
	case Time:
		return scaled(v, []scale{{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}, {1e-9, "ns"}})
	case Bytes:
		return scaled(v, []scale{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "B"}})
	case Ratio:
		if v != 0 && math.Abs(v) < 1e-3 {
			return strings.TrimSpace(digits(v*1e6) + " per million")
		}
		return digits(v*100) + " %"
	case Rate:
		if strings.HasPrefix(u.Base, "B/") {
			return scaled(v, []scale{{1 << 30, "GiB/s"}, {1 << 20, "MiB/s"}, {1 << 10, "KiB/s"}, {1, "B/s"}})
		}
		return digits(v) + " " + u.Base
	case Things, CPUTime, Opaque:
		return strings.TrimSpace(digits(v) + " " + u.Base)
	default:
		return digits(v)
	}
}

type scale struct {
	factor float64
	unit   string
}

func scaled(v float64, by []scale) string {
	a := math.Abs(v)
	for _, s := range by {
		if a >= 0.9995*s.factor { // what rounds to 1,000 is one of the next unit
			return digits(v/s.factor) + " " + s.unit
		}
	}
	last := by[len(by)-1]
	if v == 0 && by[0].factor == 1 {
		last = by[0] // 0 s, and 0 B rather than 0 GiB
	}
	return digits(v/last.factor) + " " + last.unit
}

// digits writes v to three figures, with thousands apart.
func digits(v float64) string {
	a := math.Abs(v)
	switch {
	case a >= 1e15 || (a > 0 && a < 1e-4):
		return strconv.FormatFloat(v, 'g', 3, 64)
	case a >= 999.5: // which rounds to 1,000
		return Thousands(v)
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return trim(strconv.FormatFloat(v, 'f', 1, 64))
	case a >= 1:
		return trim(strconv.FormatFloat(v, 'f', 2, 64))
	default:
		return trim(fmt.Sprintf("%.3g", v))
	}
}

func trim(s string) string {
	if strings.Contains(s, ".") && !strings.ContainsAny(s, "eE") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Thousands writes a whole number with commas: 1240 is "1,240".
func Thousands(v float64) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v < 0 {
		return "-" + s
	}
	return s
}

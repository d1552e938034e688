package cli

import (
	"fmt"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"os"
	"testing"
)

func TestZZ(t *testing.T) {
	dir := os.Getenv("ZZ")
	if dir == "" {
		t.Skip()
	}
	var sys release.System
	k := 0
	l := listener{begin: func(n string, s release.System) error { sys = s; return nil }, assess: func(as release.Assessment) error { return nil },
		saw: func(f signal.Frame) {
			k++
			fmt.Printf("== %d %v\n", k, f.Exposure)
			for _, c := range f.Cells {
				g := sys.Signals[c.Signal]
				switch g.Kind {
				case signal.Traffic, signal.Latency, signal.Errors, signal.Timeouts, signal.Retries, signal.Dependency, signal.Saturation:
				default:
					continue
				}
				if g.Unit.Name == "goroutines" {
					continue
				}
				var v float64
				n := 0
				for _, r := range c.Readings {
					if r.Presence == signal.Present {
						v += r.Value
						n++
					}
				}
				if n == 0 {
					continue
				}
				fmt.Printf("   s=%d %s c=%v %-20s %.4g (%d)\n", c.Service, sys.Services[c.Service].Name, c.Cohort, g.Name, v, n)
			}
		}}
	_, err := play(t.Context(), dir, until{}, l)
	if err != nil {
		t.Fatal(err)
	}
}

package lab

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// TestMain makes the test's own program a part of the lab when it is asked to
// be one.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == Argument {
		if err := Main(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestTry(t *testing.T) {
	f, err := Find(os.Getenv("FAULT"))
	if err != nil {
		t.Skip(err)
	}
	start := time.Now()
	l, err := Start(t.Context(), Config{Fault: f, Onset: -1, Rate: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Log("started", time.Since(start))
	time.Sleep(8 * time.Second)
	if err := l.Deploy(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Begin()
	last := 0
	for _, w := range []float64{0, .1, .25, .4, .5, .6, .7, .8, .9, 1} {
		l.SetWeight(w)
		time.Sleep(10 * time.Second)
		all := l.Tallies()
		var sent, failed, slow int
		for _, x := range all[last:] {
			for _, c := range x.Versions {
				sent += c.Sent
				failed += c.Failed
				slow += c.Slow
			}
		}
		last = len(all)
		fmt.Printf("%3.0f%% sent %d failed %d slow %d restarts %d\n", 100*w, sent, failed, slow, l.Restarts("v2"))
	}
}

package demo

import (
	"slices"
	"sync"
	"time"
)

// A strain measures how late this machine wakes a process that asked to be
// woken: a machine that is too busy for that is too busy to tell a slow
// version from a good one.
type strain struct {
	mu   sync.Mutex
	late []time.Duration // the last ones, oldest first
	end  chan struct{}
	done chan struct{}
}

const (
	strainEvery = 20 * time.Millisecond
	strainKeep  = 150 // of the last 3 s
	// tooLate is how late one wake-up in ten may be. The lab's objective is
	// 250 ms over four hops; a tenth of that lost at one hop is no longer
	// noise.
	tooLate = 25 * time.Millisecond
)

func watchStrain() *strain {
	s := &strain{end: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *strain) run() {
	defer close(s.done)
	for {
		asked := time.Now()
		select {
		case <-time.After(strainEvery):
			s.add(time.Since(asked) - strainEvery)
		case <-s.end:
			return
		}
	}
}

func (s *strain) add(late time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = append(s.late, late)
	if n := len(s.late); n > strainKeep {
		s.late = slices.Delete(s.late, 0, n-strainKeep)
	}
}

// tooBusy says whether one wake-up in ten of the last seconds came too late.
func (s *strain) tooBusy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, d := range s.late {
		if d > tooLate {
			n++
		}
	}
	return len(s.late) > 0 && 10*n > len(s.late)
}

func (s *strain) stop() {
	close(s.end)
	<-s.done
}

package cli

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/backtest"
	"github.com/foreshock/foreshock/internal/recording"
)

// judged scores every real recording whose name begins with prefix.
func judged(t *testing.T, prefix string) []backtest.Score {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(recordings(t), prefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	var scores []backtest.Score
	for _, dir := range dirs {
		tr, ok, err := recording.LoadTruth(dir)
		if err != nil || !ok {
			t.Fatalf("%s: truth: %v", dir, err)
		}
		one, _, err := score(context.Background(), dir, tr, Scoring{}, nil)
		if err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		scores = append(scores, one)
	}
	return scores
}

// TestRealRecordings holds what the engine reaches on real releases, by kind.
func TestRealRecordings(t *testing.T) {
	tests := []struct {
		kind string
		n    int
		must func(t *testing.T, sum backtest.Total)
	}{
		{"shop-", 11, func(t *testing.T, sum backtest.Total) {
			least(t, "culprit first", sum.First, 10)
			least(t, "culprit among the first three", sum.FirstThree, 11)
			least(t, "bad ones warned of", sum.BadWarned, 9)
			least(t, "bad ones contained", sum.Contained, 11)
			least(t, "healthy ones promoted in time", sum.HealthyInTime, 30)
			least(t, "causes right", sum.CauseRight, 8)
			if sum.HealthyWarned > 1 {
				t.Errorf("%d healthy ones warned of, want at most 1", sum.HealthyWarned)
			}
		}},
		{"crash-", 3, func(t *testing.T, sum backtest.Total) {
			least(t, "warned between onset and crash", sum.InWindow, 3)
			least(t, "both faulty nodes first", sum.BothFirst, 2)
			if sum.FalseFrames*20 > sum.HealthyFrames {
				t.Errorf("%d of %d healthy frames warned of, want at most 5 %%", sum.FalseFrames, sum.HealthyFrames)
			}
			if !(float64(sum.MeanWindowShare) <= 0.5) {
				t.Errorf("warned after %v of the time from onset to crash, want the first half", sum.MeanWindowShare)
			}
		}},
		{"cause-", 5, func(t *testing.T, sum backtest.Total) {
			least(t, "culprit first", sum.First, 5)
		}},
	}
	for _, tt := range tests {
		t.Run(strings.TrimSuffix(tt.kind, "-"), func(t *testing.T) {
			all := judged(t, tt.kind)
			if len(all) < tt.n {
				t.Skipf("%d recordings %s*, want %d", len(all), tt.kind, tt.n)
			}
			tt.must(t, backtest.Sum(all))
		})
	}
}

func least(t *testing.T, what string, got, want int) {
	t.Helper()
	if got < want {
		t.Errorf("%s: %d, want at least %d", what, got, want)
	}
}

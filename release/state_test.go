package release_test

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// The stories of these tests are of one service with one release, which
// begins in frame 40 with a tenth of the traffic. Latency is 100 ms.
const foldBegins = 40

var foldStart = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func smallSystem(rollback release.Safety) release.System {
	at := foldStart.Add(foldBegins * 15 * time.Second)
	return release.System{
		Interval: 15 * time.Second,
		Services: []release.Service{{Name: "cart", Criticality: 1}},
		Signals: []signal.Signal{{
			Name: "latency", Family: "latency", Kind: signal.Latency, Unit: signal.ParseUnit("s"), Scope: signal.PerCohort,
		}},
		Releases: []release.Release{{
			ID: "r1", Service: 0, Strategy: release.CanaryRelease, Canary: `version="2"`, Control: `version="1"`, Rollback: rollback,
			Steps: []release.Step{{At: at, CompletedAt: at, Weight: 0.1}},
		}},
	}
}

// A story says how the latency of both versions changes, by frames since the
// release began: a factor, NaN for silence, unasked where the source does not
// answer.
type story struct {
	frames          int
	canary, control func(k int) float64
}

var unasked = math.Inf(-1)

func always(by float64) func(int) float64 { return func(int) float64 { return by } }

func from(frame int, by float64) func(int) float64 { return during(frame, math.MaxInt, by) }

func during(from, to int, by float64) func(int) float64 {
	return func(k int) float64 {
		if k >= from && k < to {
			return by
		}
		return 1
	}
}

// play steps through a story and returns one assessment a frame since the
// release began.
func (st story) play(t testing.TB, s *release.State) []release.Assessment {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 12))
	var out []release.Assessment
	for k := -foldBegins; k < st.frames; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		add := func(c signal.Cohort, by float64) {
			if by == unasked {
				f.Cells = append(f.Cells, signal.Cell{Cohort: c, Limit: math.NaN()})
				return
			}
			r := signal.Missing(signal.Stopped, "")
			if !math.IsNaN(by) {
				r.Presence, r.Value, r.Age = signal.Present, by*(0.1+0.003*rng.NormFloat64()), time.Hour
			}
			f.Cells = append(f.Cells, signal.Cell{Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{r}})
		}
		if k < 0 {
			add(signal.Control, 1)
		} else {
			f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
			add(signal.Control, st.control(k))
			add(signal.Canary, st.canary(k))
		}
		got := s.Step(f)
		if k < 0 {
			if len(got) != 0 {
				t.Fatalf("frame %d: %d assessments before the release began", k, len(got))
			}
			continue
		}
		if len(got) != 1 || got[0].ID != "r1" {
			t.Fatalf("frame %d: Step = %+v, want one assessment of r1", k, got)
		}
		out = append(out, got[0])
	}
	return out
}

func fresh(rollback release.Safety) *release.State {
	return release.New(smallSystem(rollback), prevention.DefaultPolicy())
}

// first returns the first frame with a verdict, −1 when there is none.
func first(as []release.Assessment, v prevention.Verdict) int {
	return slices.IndexFunc(as, func(a release.Assessment) bool { return a.Verdict == v.String() })
}

// TestWell: nothing is wrong: first too little is seen, then every frame
// promotes.
func TestWell(t *testing.T) {
	as := story{frames: 60, canary: always(1), control: always(1)}.play(t, fresh(release.Safe))
	if as[0].Verdict != "unknown" || as[0].Reason != "thin" {
		t.Errorf("first frame: %s, %s, want unknown, thin", as[0].Verdict, as[0].Reason)
	}
	p := first(as, prevention.Promote)
	if p < 4 || p > 20 {
		t.Fatalf("the first promote is in frame %d, want between 4 and 20", p)
	}
	for k, a := range as[p:] {
		if a.Verdict != "promote" || a.Reason != "none" {
			t.Errorf("frame %d: %s, %s, want promote, none", p+k, a.Verdict, a.Reason)
		}
	}
}

// TestLatch: a rollback stays one when the trouble is over; its shadow says
// what would be said without.
func TestLatch(t *testing.T) {
	as := story{frames: 160, canary: during(20, 40, 3), control: always(1)}.play(t, fresh(release.Safe))
	r := first(as, prevention.Rollback)
	if r < 20 || r > 30 {
		t.Fatalf("the first rollback is in frame %d, want between 20 and 30", r)
	}
	if as[r].Reason != "suspect" || !as[r].Blames || as[r].Shadow != "rollback" {
		t.Errorf("frame %d: %s, blames %v, shadow %s, want suspect, true, rollback", r, as[r].Reason, as[r].Blames, as[r].Shadow)
	}
	softer := false
	for k, a := range as[r:] {
		if a.Verdict != "rollback" || !a.Blames {
			t.Errorf("frame %d: %s, blames %v, want the rollback to stay", r+k, a.Verdict, a.Blames)
		}
		softer = softer || a.Shadow != "rollback"
	}
	if !softer {
		t.Error("the shadow stays rollback for two hours after the trouble")
	}
}

// TestUnsafe: where going back is not safe a person is asked.
func TestUnsafe(t *testing.T) {
	as := story{frames: 40, canary: from(20, 3), control: always(1)}.play(t, fresh(release.Unsafe))
	e := first(as, prevention.Escalate)
	if e < 20 || e > 30 || as[e].Reason != "unsafe-rollback" || !as[e].Warns() {
		t.Fatalf("the first escalate is in frame %d, want between 20 and 30, for an unsafe rollback", e)
	}
	if r := first(as, prevention.Rollback); r >= 0 {
		t.Errorf("frame %d is a rollback, though it is not safe", r)
	}
	if last := as[len(as)-1]; last.Verdict != "escalate" || last.Reason != "unsafe-rollback" {
		t.Errorf("last frame: %s, %s, want escalate, unsafe-rollback", last.Verdict, last.Reason)
	}
}

// TestHoldClears: silence holds, and the hold ends in the third frame (Clear)
// after the canary is back.
func TestHoldClears(t *testing.T) {
	as := story{frames: 60, canary: during(20, 35, math.NaN()), control: always(1)}.play(t, fresh(release.Safe))
	if as[34].Verdict != "hold" || as[34].Reason != "silent" {
		t.Fatalf("frame 34: %s, %s, want hold, silent", as[34].Verdict, as[34].Reason)
	}
	for k, want := range map[int]string{35: "hold", 36: "hold", 37: "promote", 38: "promote"} {
		if as[k].Verdict != want {
			t.Errorf("frame %d, %d after it came back: %s, want %s", k, k-35, as[k].Verdict, want)
		}
	}
}

// TestHoldExpires: a hold that lasts ten minutes, 40 frames, becomes escalate
// and stays so.
func TestHoldExpires(t *testing.T) {
	as := story{frames: 90, canary: from(20, math.NaN()), control: always(1)}.play(t, fresh(release.Safe))
	h, e := first(as, prevention.Hold), first(as, prevention.Escalate)
	if h < 20 || e != h+40 {
		t.Fatalf("hold from frame %d, escalate from %d, want 40 later", h, e)
	}
	for k, a := range as[e:] {
		if a.Verdict != "escalate" || a.Reason != "hold-expired" {
			t.Errorf("frame %d: %s, %s, want escalate, hold-expired", e+k, a.Verdict, a.Reason)
		}
	}
}

// TestProvenAfterHoldExpired: what nobody decided is rolled back once it is proven.
func TestProvenAfterHoldExpired(t *testing.T) {
	as := story{frames: 120, control: always(1), canary: func(k int) float64 {
		switch {
		case k < 20:
			return 1
		case k < 70:
			return math.NaN()
		}
		return 3
	}}.play(t, fresh(release.Safe))
	e, r := first(as, prevention.Escalate), first(as, prevention.Rollback)
	if e < 20 || e >= 70 || r < 70 || r > 85 || as[r].Reason != "suspect" {
		t.Fatalf("escalate in frame %d, rollback in %d, want before 70, and within 15 after", e, r)
	}
	if last := as[len(as)-1]; last.Verdict != "rollback" {
		t.Errorf("%s in the end: %s", last.Verdict, last.Sentence)
	}
}

// TestElsewhereDoesNotExpire: both versions are slower alike: that is
// somebody else's incident, which is waited for as long as it takes.
func TestElsewhereDoesNotExpire(t *testing.T) {
	as := story{frames: 120, canary: from(20, 3), control: from(20, 3)}.play(t, fresh(release.Safe))
	h := slices.IndexFunc(as, func(a release.Assessment) bool { return a.Reason == "elsewhere" })
	if h < 20 || h > 35 {
		t.Fatalf("elsewhere from frame %d, want between 20 and 35", h)
	}
	for k, a := range as[h:] {
		if a.Verdict != "hold" || a.Reason != "elsewhere" || a.Blames {
			t.Errorf("frame %d: %s, %s, blames %v, want hold, elsewhere, false", h+k, a.Verdict, a.Reason, a.Blames)
		}
	}
}

// saved returns the bytes of a state in the middle of trouble.
func saved(t testing.TB) []byte {
	s := fresh(release.Safe)
	story{frames: 30, canary: from(20, 3), control: always(1)}.play(t, s)
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestLoadDamaged: bytes that are not a state of this system are an error
// that says what to do.
func TestLoadDamaged(t *testing.T) {
	good := saved(t)
	var old bytes.Buffer
	if err := gob.NewEncoder(&old).Encode(struct{ Version int }{99}); err != nil {
		t.Fatal(err)
	}
	// A sound seal: the checksum, and this system's fingerprint.
	foreign := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(old.Bytes()))
	foreign = append(append(foreign, good[4:12]...), old.Bytes()...)
	sys := smallSystem(release.Safe)
	services, releases, signals, changes := sys, sys, sys, sys
	services.Services = append(slices.Clone(sys.Services), release.Service{Name: "new"})
	releases.Releases = nil
	signals.Signals = append(slices.Clone(sys.Signals), sys.Signals[0])
	changes.Changes = []release.Change{{ID: "c", At: foldStart}}
	tests := []struct {
		name string
		sys  release.System
		data []byte
		want string
	}{
		{"nothing", sys, nil, "state is damaged: start the fold anew"},
		{"not a state", sys, []byte("not a state"), "state is damaged: start the fold anew"},
		{"cut off", sys, good[:len(good)/2], "state is damaged: start the fold anew"},
		{"of another version", sys, foreign, "state has version 99; this program reads "},
		{"one service more", services, good, "state is of another system: start the fold anew"},
		{"no release", releases, good, "state is of another system: start the fold anew"},
		{"one change more", changes, good, "state is of another system: start the fold anew"},
		{"one signal more", signals, good, "state is of another system: start the fold anew"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := release.Load(tt.sys, prevention.DefaultPolicy(), tt.data)
			if s != nil || err == nil || !strings.HasPrefix(err.Error(), tt.want) || !strings.Contains(err.Error(), "start the fold anew") {
				t.Errorf("Load(%s) = %v, %v\nwant nil, %s…", tt.name, s, err, tt.want)
			}
		})
	}
	if _, err := release.Load(sys, prevention.DefaultPolicy(), good); err != nil {
		t.Errorf("Load(what was saved) = %v, want nil", err)
	}
}

// TestLoadFlipped: one damaged byte never panics.
func TestLoadFlipped(t *testing.T) {
	good := saved(t)
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 0x55
		load(t, bad)
	}
}

// load loads bytes of any origin; what was loaded can be saved and loaded.
func load(t testing.TB, data []byte) {
	sys, policy := smallSystem(release.Safe), prevention.DefaultPolicy()
	s, err := release.Load(sys, policy, data)
	if err != nil {
		if s != nil {
			t.Fatalf("Load = %v with the error %v", s, err)
		}
		return
	}
	again, err := s.MarshalBinary()
	if err != nil {
		t.Fatalf("MarshalBinary of what was loaded: %v", err)
	}
	if _, err := release.Load(sys, policy, again); err != nil {
		t.Fatalf("Load of what was loaded and saved: %v", err)
	}
}

// FuzzLoad: whatever the bytes are, Load gives a state or an error and does
// not panic; a state that it gives can be saved and loaded again.
func FuzzLoad(f *testing.F) {
	good := saved(f)
	f.Add(good)
	f.Add(good[:len(good)/3])
	f.Add([]byte{})
	f.Add([]byte("not a state"))
	f.Fuzz(func(t *testing.T, data []byte) { load(t, data) })
}

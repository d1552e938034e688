package cli

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/model"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
)

// A shopModel is a shop of some instances that makes queries of a database with a
// pool, as it is before a release.
type shopModel struct {
	instances, cores, pool int
	rate, work             float64 // of the shop
	queries, query         float64 // of each request, and seconds of each
	varies                 float64 // coefficient of variation of both works
}

// drawShop makes one in which nothing is near a limit: processors and the pool are
// in use by a tenth to six tenths.
func drawShop(rng *rand.Rand) shopModel {
	between := func(low, high float64) float64 { return low + (high-low)*rng.Float64() }
	d := shopModel{
		instances: 1 + rng.IntN(6), cores: 1 + rng.IntN(4), pool: 4 + rng.IntN(37),
		rate: between(50, 400), queries: between(0.5, 4), varies: []float64{0, 1}[rng.IntN(2)],
	}
	d.work = between(0.1, 0.6) * float64(d.instances*d.cores) / d.rate
	d.query = between(0.1, 0.6) * float64(d.pool) / (d.rate * d.queries)
	return d
}

// file is the model that is played.
func (d shopModel) file() *model.File {
	inf := math.Inf(1)
	shop := simulate.Service{
		Name: "shop", Instances: d.instances, Cores: d.cores, Work: d.work, Spread: d.varies, Threads: inf, Queue: inf, Rate: d.rate,
		Calls:  []simulate.Call{{Caller: simulate.Caller{Timeout: inf, Tries: 1, Budget: inf}, To: 1, Calls: d.queries, Pool: inf}},
		Memory: simulate.Memory{Limit: inf},
	}
	db := simulate.Service{
		Name: "db", Instances: 1, Cores: 2 * d.pool, Work: d.query, Spread: d.varies, Threads: float64(d.pool), Queue: inf, Memory: simulate.Memory{Limit: inf},
	}
	return &model.File{From: "v1", To: "v2", Model: simulate.Model{
		Start: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), Interval: 5 * time.Second, Length: 2 * time.Minute,
		Services: []simulate.Service{shop, db}, New: shop, Clients: simulate.Caller{Timeout: inf, Tries: 1, Budget: inf},
		Rollout: simulate.Plan{Service: 0, Steps: []simulate.Raise{{At: 600, Weight: 1}}}, Objective: simulate.Objective{Latency: inf, Harmed: 0.02},
	}}
}

// refit plays a model, and fits one to its frames as exporters would tell them:
// processors in cores of each instance, and the threads of db as connections of
// a database.
func (d shopModel) refit(t *testing.T, seed uint64) *model.File {
	t.Helper()
	file := d.file()
	f := &fitter{sys: file.System(), services: make([]fittedService, 2)}
	f.sys.Signals = slices.Clone(f.sys.Signals)
	for i := range f.services {
		f.services[i].uses, f.services[i].limit = map[int]average{}, math.NaN()
	}
	for i := range f.sys.Signals {
		switch s := &f.sys.Signals[i]; s.Name {
		case "cpu":
			s.Unit = signal.ParseUnit("cores")
		case "threads":
			s.Kind = signal.Database
		}
	}
	ticks, err := file.Model.Play(simulate.Exact, seed)
	if err != nil {
		t.Fatal(err)
	}
	for tick := range ticks {
		for i := range tick.Frame.Cells {
			c := &tick.Frame.Cells[i]
			if s := file.Model.Services[c.Service]; f.sys.Signals[c.Signal].Name == "cpu" && c.Readings[0].Presence == signal.Present {
				one := c.Readings[0]
				one.Value *= float64(s.Cores)
				c.Readings = nil
				for k := range s.Instances {
					one.Instance = fmt.Sprint("pod-", k)
					c.Readings = append(c.Readings, one)
				}
			}
		}
		if tick.Frame.At.After(file.Model.Start) { // the first frame is of no time
			f.see(tick.Frame)
		}
	}
	text := f.model(&recording.Recording{Name: "drawn", Interval: file.Model.Interval}, "").text
	got, err := model.Parse("fitted", []byte(text))
	if err != nil {
		t.Fatalf("%+v: %v\n%s", d, err, text)
	}
	return got
}

// TestFitReturns: a model that is played and fitted to its own frames comes back.
// Two minutes of 50 to 400 requests a second tell rates, works and queries to 3 %;
// what the pool can bear to 3 % as well. How many connections it has rests on the
// median of a query: of such as all take the same that is the mean, and it is told
// to 5 % or one connection; of exponential ones the median is ln 2 of the mean, and
// so is the number, 31 % too low, to a tenth.
func TestFitReturns(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	worst := map[string]float64{}
	for k := range uint64(40) {
		d := drawShop(rng)
		m := d.refit(t, k).Model
		shop, db := m.Services[0], m.Services[1]
		connections, within := float64(d.pool), 0.05
		if d.varies == 1 {
			connections, within = math.Ln2*connections, 0.1
		}
		for _, tt := range []struct {
			name              string
			got, want, within float64
		}{
			{"instances", float64(shop.Instances), float64(d.instances), 0},
			{"rate", shop.Rate, d.rate, 0.03},
			{"work", shop.Work, d.work, 0.03},
			{"queries", shop.Calls[0].Calls, d.queries, 0.03},
			{"what the pool can bear", db.Threads / db.Work, float64(d.pool) / d.query, 0.03},
			{"connections", db.Threads, connections, math.Max(within, 1/connections)},
		} {
			off := math.Abs(tt.got/tt.want - 1)
			worst[tt.name] = math.Max(worst[tt.name], off)
			if off > tt.within {
				t.Errorf("model %d, %+v: fitted %s is %v, want %v within %.0f %%", k, d, tt.name, tt.got, tt.want, 100*tt.within)
			}
		}
	}
	t.Logf("off at most: %v", worst)
}

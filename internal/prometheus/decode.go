package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/foreshock/foreshock/engine"
)

// An envelope is what stands around the data of an answer.
type envelope struct {
	Status    string
	ErrorType string
	Error     string
	Warnings  []string
	Infos     []string
	Partial   bool // VictoriaMetrics: some of its storage did not answer
}

// decode reads one answer, and hands what stands in its field data to read.
// Fields that are not known are skipped.
func decode(d *json.Decoder, read func(*json.Decoder) error) (envelope, error) {
	var env envelope
	err := object(d, func(name string) error {
		switch name {
		case "status":
			return d.Decode(&env.Status)
		case "data":
			return read(d)
		case "errorType":
			return d.Decode(&env.ErrorType)
		case "error":
			return d.Decode(&env.Error)
		case "warnings":
			return d.Decode(&env.Warnings)
		case "infos":
			return d.Decode(&env.Infos)
		case "isPartial":
			return d.Decode(&env.Partial)
		default:
			return skip(d)
		}
	})
	if err == nil && env.Status == "" {
		err = errors.New("it has no field status")
	}
	return env, err
}

// skip reads a value that nobody wants.
func skip(d *json.Decoder) error {
	var unwanted json.RawMessage
	return d.Decode(&unwanted)
}

// object walks the fields of an object; each must read its value.
func object(d *json.Decoder, field func(name string) error) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return whole(err)
		}
		name, _ := t.(string)
		if err := field(name); err != nil {
			return whole(err)
		}
	}
	return expect(d, '}')
}

func expect(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err != nil {
		return whole(err)
	}
	if t != want {
		return fmt.Errorf("it has %v where %v is wanted", t, want)
	}
	return nil
}

// whole turns the end of a text that is not complete into words.
func whole(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut short")
	}
	return err
}

// An element is one series of an answer: of a vector by value or histogram,
// of a matrix by values and histograms.
type element struct {
	Metric     map[string]string `json:"metric"`
	Value      *point            `json:"value"`
	Values     []point           `json:"values"`
	Histogram  *bell             `json:"histogram"`
	Histograms []bell            `json:"histograms"`
}

// readSeries reads the result of a query into out: a vector, a matrix or a
// scalar, of at most so many series.
func readSeries(d *json.Decoder, most int, out *[]engine.Series) error {
	*out = nil
	kind := ""
	return object(d, func(name string) error {
		switch name {
		case "resultType":
			return d.Decode(&kind)
		case "result":
			if kind == "scalar" {
				var p point
				err := d.Decode(&p)
				*out = []engine.Series{{Labels: map[string]string{}, Samples: []engine.Sample{p.sample()}}}
				return err
			}
			return readElements(d, most, out)
		default:
			return skip(d)
		}
	})
}

func readElements(d *json.Decoder, most int, out *[]engine.Series) error {
	t, err := d.Token()
	if err != nil {
		return whole(err)
	}
	if t == nil { // null: nothing was found
		return nil
	}
	if t != json.Delim('[') {
		return fmt.Errorf("its result begins with %v; want a list", t)
	}
	for d.More() {
		if len(*out) >= most {
			return errTooMany
		}
		var e element
		if err := d.Decode(&e); err != nil {
			return whole(err)
		}
		s := e.series()
		for i := 1; i < len(s.Samples); i++ {
			if !s.Samples[i].At.After(s.Samples[i-1].At) {
				return fmt.Errorf("series %v goes back in time", s.Labels)
			}
		}
		*out = append(*out, s)
	}
	return expect(d, ']')
}

// series makes a series of an element, its samples in the order of time.
func (e element) series() engine.Series {
	s := engine.Series{Labels: e.Metric, Samples: make([]engine.Sample, 0, 1+len(e.Values)+len(e.Histograms))}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	if e.Value != nil {
		s.Samples = append(s.Samples, e.Value.sample())
	}
	if e.Histogram != nil {
		s.Samples = append(s.Samples, e.Histogram.sample())
	}
	for _, p := range e.Values {
		s.Samples = append(s.Samples, p.sample())
	}
	for i := range e.Histograms {
		s.Samples = append(s.Samples, e.Histograms[i].sample())
	}
	if len(e.Histograms) > 0 && len(e.Values) > 0 {
		slices.SortStableFunc(s.Samples, func(a, b engine.Sample) int { return a.At.Compare(b.At) })
	}
	return s
}

// A point is [seconds, "value"].
type point struct {
	ms    int64
	value float64
}

func (p point) sample() engine.Sample {
	return engine.Sample{At: time.UnixMilli(p.ms).UTC(), Value: p.value}
}

// UnmarshalJSON reads [1700000000.123,"0.5"].
func (p *point) UnmarshalJSON(b []byte) error {
	at, value, err := pair(b)
	if err != nil {
		return err
	}
	if p.ms, err = millis(at); err != nil {
		return err
	}
	p.value, err = number(value)
	return err
}

// pair splits a list of two values, the first of them a number.
func pair(b []byte) (first, second []byte, err error) {
	var list [2]json.RawMessage
	var all []json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, nil, err
	}
	if len(all) != 2 {
		return nil, nil, fmt.Errorf("a sample is %s; want [time, value]", shorten(string(b), 40))
	}
	copy(list[:], all)
	return list[0], list[1], nil
}

// farthest is the greatest time in milliseconds that a sample may have: the
// year 9999.
const farthest = 253402300799999

func millis(b []byte) (int64, error) {
	s, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.Abs(s) > farthest/1000 {
		return 0, fmt.Errorf("a sample is at %s; want seconds since 1970", shorten(string(b), 40))
	}
	return int64(math.Round(s * 1000)), nil
}

// number reads a value in quotes: "0.5", "NaN", "+Inf".
func number(b []byte) (float64, error) {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return 0, fmt.Errorf("a value is %s; want a number in quotes", shorten(string(b), 40))
	}
	v, err := strconv.ParseFloat(string(b[1:len(b)-1]), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // beyond the range it is an infinity
		return 0, fmt.Errorf("a value is %s; want a number in quotes", shorten(string(b), 40))
	}
	return v, nil
}

// A bell is a native histogram at a time: [seconds, {count, sum, buckets}].
type bell struct {
	ms   int64
	hist engine.Histogram
}

func (h *bell) sample() engine.Sample {
	return engine.Sample{At: time.UnixMilli(h.ms).UTC(), Value: math.NaN(), Histogram: &h.hist}
}

// UnmarshalJSON reads a native histogram. Each bucket is [kind of its ends,
// "lower", "upper", "count"]; they come from the lowest to the highest, and
// are summed up on the way.
func (h *bell) UnmarshalJSON(b []byte) error {
	at, value, err := pair(b)
	if err != nil {
		return err
	}
	if h.ms, err = millis(at); err != nil {
		return err
	}
	var raw struct {
		Count, Sum json.RawMessage
		Buckets    [][]json.RawMessage
	}
	if err := json.Unmarshal(value, &raw); err != nil {
		return err
	}
	h.hist = engine.Histogram{}
	if h.hist.Count, err = number(raw.Count); err != nil {
		return err
	}
	if h.hist.Sum, err = number(raw.Sum); err != nil {
		return err
	}
	total := 0.0
	for _, bucket := range raw.Buckets {
		if len(bucket) != 4 {
			return fmt.Errorf("a bucket has %d parts; want 4", len(bucket))
		}
		upper, err := number(bucket[2])
		if err != nil {
			return err
		}
		count, err := number(bucket[3])
		if err != nil {
			return err
		}
		if n := len(h.hist.Upper); !(count >= 0) || n > 0 && !(upper > h.hist.Upper[n-1]) {
			return errors.New("the buckets of a histogram do not ascend")
		}
		total += count
		h.hist.Upper = append(h.hist.Upper, upper)
		h.hist.Counts = append(h.hist.Counts, total)
	}
	return nil
}

// inOrder sorts series by their labels, as Prometheus does.
func inOrder(series []engine.Series) {
	type keyed struct {
		key labels.Labels
		s   engine.Series
	}
	all := make([]keyed, len(series))
	for i, s := range series {
		all[i] = keyed{labels.FromMap(s.Labels), s}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return labels.Compare(a.key, b.key) })
	for i := range all {
		series[i] = all[i].s
	}
}

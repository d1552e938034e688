package baseline

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
	"time"
)

// The saved form of a memory, all numbers little-endian:
//
//	"foreshock normal\n"                       17 bytes
//	version uint32, checksum uint32            of all that follows, CRC-32 (IEEE)
//	half-life in hours uint32, series uint32
//	and for each series, by service and signal:
//	  service, signal                          a uint16 length and the bytes
//	  newest int64                             hours since the Unix epoch
//	  there [21]byte                           a bit for each hour of the week that is remembered
//	  weight, mean, m2 float64                 for each of those
const (
	magic   = "foreshock normal\n"
	version = 1
	header  = len(magic) + 8
)

// maxName is the longest name of a service or signal that is saved.
const maxName = math.MaxUint16

// mend is what to do about a memory that cannot be read.
const mend = "put back a copy, or move it away and let it be learned anew"

// keys returns the keys of all series in order.
func (m *Memory) keys() []key {
	return slices.SortedFunc(maps.Keys(m.series), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.signal, b.signal))
	})
}

// MarshalBinary returns the memory in its versioned form: the same bytes for
// the same memory.
func (m *Memory) MarshalBinary() ([]byte, error) {
	le := binary.LittleEndian
	out := append([]byte(magic), make([]byte, 8)...)
	out = le.AppendUint32(out, uint32(m.halfLife/time.Hour))
	out = le.AppendUint32(out, uint32(len(m.series)))
	for _, k := range m.keys() {
		for _, name := range []string{k.service, k.signal} {
			if len(name) > maxName {
				return nil, fmt.Errorf("save memory of normal: a name of %d bytes is too long; want at most %d", len(name), maxName)
			}
			out = le.AppendUint16(out, uint16(len(name)))
			out = append(out, name...)
		}
		out = m.series[k].append(out)
	}
	le.PutUint32(out[len(magic):], version)
	le.PutUint32(out[len(magic)+4:], crc32.ChecksumIEEE(out[header:]))
	return out, nil
}

func (s *series) append(out []byte) []byte {
	le := binary.LittleEndian
	out = le.AppendUint64(out, uint64(s.newest))
	var there [hours / 8]byte
	for i, c := range s.cells {
		if c.weight > 0 {
			there[i/8] |= 1 << (i % 8)
		}
	}
	out = append(out, there[:]...)
	for _, c := range s.cells {
		if c.weight > 0 {
			for _, x := range []float64{c.weight, c.mean, c.m2} {
				out = le.AppendUint64(out, math.Float64bits(x))
			}
		}
	}
	return out
}

// Load returns the memory that was saved. Its errors say the mend.
func Load(data []byte) (*Memory, error) {
	le := binary.LittleEndian
	if len(data) < header || string(data[:len(magic)]) != magic {
		return nil, errors.New("not a memory of normal: it does not begin with \"foreshock normal\"; name the file that replay --learn wrote")
	}
	if v := le.Uint32(data[len(magic):]); v != version {
		return nil, fmt.Errorf("memory of normal has version %d, and this program reads %d: use the program that wrote it, or %s", v, version, mend)
	}
	if le.Uint32(data[len(magic)+4:]) != crc32.ChecksumIEEE(data[header:]) {
		return nil, fmt.Errorf("memory of normal is damaged: its checksum does not fit; %s", mend)
	}
	r := &reader{data: data[header:]}
	halfLife := time.Duration(r.uint32()) * time.Hour
	n := r.uint32()
	if halfLife <= 0 || n > MaxSeries {
		return nil, fmt.Errorf("memory of normal is damaged: it has %d series and forgets half in %s; want at most %d, and an hour or more; %s", n, halfLife, MaxSeries, mend)
	}
	m := New(Options{HalfLife: halfLife})
	for range n {
		k := key{service: r.name(), signal: r.name()}
		s := r.series()
		if r.short || !s.valid() {
			return nil, fmt.Errorf("memory of normal is damaged at byte %d; %s", len(data)-len(r.data), mend)
		}
		m.series[k] = s
	}
	if len(m.series) != int(n) || len(r.data) > 0 {
		return nil, fmt.Errorf("memory of normal is damaged: %d series are named, %d are there, and %d bytes are left; %s", n, len(m.series), len(r.data), mend)
	}
	return m, nil
}

// valid says whether a series is one that could have been learned.
func (s *series) valid() bool {
	for _, c := range s.cells {
		sound := c.weight >= 0 && c.weight <= most && math.Abs(c.mean) <= most && c.m2 >= 0 && !math.IsInf(c.m2, 0)
		if !sound {
			return false
		}
	}
	return true
}

// A reader takes numbers off the front of data. Once data are short it gives
// zeros.
type reader struct {
	data  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if len(r.data) < n {
		r.short, r.data = true, nil
		return make([]byte, n)
	}
	out := r.data[:n]
	r.data = r.data[n:]
	return out
}

func (r *reader) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }

func (r *reader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

func (r *reader) name() string {
	return string(r.take(int(binary.LittleEndian.Uint16(r.take(2)))))
}

func (r *reader) series() *series {
	s := &series{newest: int64(r.uint64())}
	there := r.take(hours / 8)
	for i := range s.cells {
		if there[i/8]&(1<<(i%8)) != 0 {
			s.cells[i] = cell{
				weight: math.Float64frombits(r.uint64()), mean: math.Float64frombits(r.uint64()), m2: math.Float64frombits(r.uint64()),
			}
		}
	}
	return s
}

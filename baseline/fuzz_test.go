package baseline

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"testing"
	"time"
)

// FuzzLoad loads whatever comes, with a checksum that fits: no panic, and what
// is loaded is saved and looked up again.
func FuzzLoad(f *testing.F) {
	m := New(Options{})
	f.Add([]byte{})
	for k := range 400 {
		m.Learn("shop", "latency", time.Unix(int64(k)*3600, 0), float64(k%24), time.Hour)
	}
	data, err := m.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[header:])
	f.Fuzz(func(t *testing.T, body []byte) {
		data := append([]byte(magic), make([]byte, 8)...)
		data = append(data, body...)
		binary.LittleEndian.PutUint32(data[len(magic):], version)
		binary.LittleEndian.PutUint32(data[len(magic)+4:], crc32.ChecksumIEEE(body))
		m, err := Load(data)
		if err != nil {
			return
		}
		for k := range m.series {
			for h := range 200 {
				level, spread := m.Level(k.service, k.signal, time.Unix(int64(h)*1800, 0))
				if math.IsNaN(level) != math.IsNaN(spread) || spread < 0 {
					t.Fatalf("level %v ± %v", level, spread)
				}
			}
			m.Learn(k.service, k.signal, time.Unix(1e9, 0), 1, time.Hour)
		}
		if _, err := m.MarshalBinary(); err != nil {
			t.Fatal(err)
		}
	})
}

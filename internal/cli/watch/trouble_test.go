package watch

import (
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// TestAnswering holds that an outage is told when it begins and when it ends,
// each once, again when it comes again, and not with every frame of a source
// that comes and goes. Of the frames D is down, P answers in part, N has nothing.
func TestAnswering(t *testing.T) {
	codes := map[rune]string{'D': "source-unreachable", 'P': "query-failed", 'N': "nothing-discovered"}
	tests := []struct{ name, frames, want string }{
		{"well", "........", "........"},
		{"down and back", "..DDDDDDDDDDDD..", "..D...........+."},
		{"down twice", "..DDDDDDDDDDD...........DD", "..D..........+..........D."},
		{"a short one ends when two frames are well", "..DDD...", "..D...+."},
		{"it flaps", "..D.D.D.D.D.D...", "..D..........+.."},
		{"down, then in part", "DDDDDDDDDDDDPPP......", "D...........P...+...."},
		{"nothing yet", "NNN..", "N...+"},
	}
	for _, tt := range tests {
		s, at := &answering{}, time.Unix(0, 0)
		got := ""
		for _, c := range tt.frames {
			at = at.Add(time.Second)
			var ws []signal.Warning
			if code := codes[c]; code != "" {
				ws = []signal.Warning{{Code: code, Text: code}}
			}
			switch told := s.next(at, ws); {
			case told == nil:
				got += "."
			case told.Code == "":
				got += "+"
				if first := time.Unix(int64(1+strings.LastIndexAny(got, "DPN")), 0); told.Text == "" || !told.Since.Equal(first) {
					t.Errorf("%s: what has ended is %+v; want it since %s", tt.name, told, first)
				}
			default:
				got += strings.ToUpper(string(c))
			}
		}
		if got != tt.want {
			t.Errorf("%s: of %s is told %s; want %s", tt.name, tt.frames, got, tt.want)
		}
	}
}

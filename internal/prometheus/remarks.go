package prometheus

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// maxWarnings is how many different remarks are kept.
const maxWarnings = 100

// Warnings returns what the server remarked on its answers, each once, in the
// order in which it came: its warnings (code prometheus-warning), its remarks
// on queries (prometheus-info), answers that are not whole
// (prometheus-partial), and a clock that is wrong (clock-skew).
func (c *Client) Warnings() []signal.Warning {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.warnings)
}

func (c *Client) warn(code, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := signal.Warning{Code: code, Text: text}
	if len(c.warnings) < maxWarnings && !slices.Contains(c.warnings, w) {
		c.warnings = append(c.warnings, w)
	}
}

// remark keeps what an answer says beside its data.
func (c *Client) remark(env envelope) {
	for _, w := range env.Warnings {
		c.warn("prometheus-warning", "Prometheus warns: "+shorten(w, 300))
	}
	for _, i := range env.Infos {
		c.warn("prometheus-info", "Prometheus remarks: "+shorten(i, 300))
	}
	if env.Partial {
		c.warn("prometheus-partial", "an answer is not whole: a part of the storage behind "+c.URL()+" did not answer")
	}
}

// maxSkew is how far the clock of the server may be from ours. Frames are
// closer together than this rarely; the header that tells is good to a
// second.
const maxSkew = 30 * time.Second

// clock compares the server's clock with ours: what it says is the date, to
// the second, of some instant between sending and receiving.
func (c *Client) clock(date string, sent, received time.Time) {
	server, err := http.ParseTime(date)
	if err != nil {
		return
	}
	took := received.Sub(sent)
	skew := server.Add(time.Second / 2).Sub(sent.Add(took / 2))
	if skew.Abs() <= took { // a slow answer, and no evidence of a clock that is wrong
		skew = 0
	}
	c.mu.Lock()
	if skew == 0 && c.clocked && took > time.Second { // a quick answer told more
		c.mu.Unlock()
		return
	}
	told := c.clocked && (c.skew > maxSkew || c.skew < -maxSkew)
	c.skew, c.clocked = skew, true
	c.mu.Unlock()
	if told || skew.Abs() <= maxSkew+took {
		return
	}
	way, effect := "ahead of", "so the newest samples are judged too late"
	if skew < 0 {
		way, effect = "behind", "so the newest samples will seem to be missing"
	}
	c.warn("clock-skew", fmt.Sprintf("the clock of %s is %s %s this machine's, %s; set both by NTP", c.URL(), skew.Abs().Round(time.Second), way, effect))
}

// Skew returns how far the server's clock is ahead of this machine's, by the
// last answer; false before any. It is good to about a second.
func (c *Client) Skew() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew, c.clocked
}

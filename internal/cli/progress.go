package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// A progress says on a terminal how far long work has got, and leaves no
// trace. Nil says nothing. It may be used by several goroutines.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	of    int // recordings
	begun int
	last  string
}

// newProgress returns nil unless w is a terminal.
func newProgress(w io.Writer, of int) *progress {
	if _, ok := terminal(w); !ok {
		return nil
	}
	return &progress{out: w, of: of}
}

// begin counts a recording, and returns what tells its frames.
func (p *progress) begin(name string) func(done, total int) {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun++
	nth := p.begun
	return func(done, total int) {
		p.show(fmt.Sprintf("recording %d of %d, %s: frame %d of %d", nth, p.of, name, done, total), done == 1 || done%64 == 0)
	}
}

// say tells how far something else has got.
func (p *progress) say(line string) {
	if p != nil {
		p.show(line, true)
	}
}

func (p *progress) show(line string, due bool) {
	if !due {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = line
	fmt.Fprintf(p.out, "\r\x1b[K%s", fit(line, 79))
}

// end wipes the line.
func (p *progress) end() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != "" {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.last = ""
	}
}

// terminal returns the width of the terminal behind w, false when there is
// none.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return width, true
}

// fit shortens a line to a number of characters.
func fit(line string, width int) string {
	r := []rune(strings.ReplaceAll(line, "\n", " "))
	if len(r) <= width {
		return string(r)
	}
	return string(r[:width-1]) + "…"
}

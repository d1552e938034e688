package part

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// An Event is a line that a process writes for the lab.
type Event struct {
	Ready *Ready `json:",omitempty"`
	Tally *Tally `json:",omitempty"`
}

// Ready says that a process serves.
type Ready struct {
	Address string // host:port
}

// A Tally is what the callers saw of the requests that were sent in one
// second.
type Tally struct {
	Second   int64            // since 1970, when they were sent
	Versions map[string]Count // by the version that answered; "" when none did
}

// A Count is of requests.
type Count struct {
	Sent, Failed, Slow int // Slow are those over the objective that did not fail
}

// process is what all roles share.
type process struct {
	Config
	knobs atomic.Pointer[Knobs]
	out   *json.Encoder
	mu    sync.Mutex // of out
	begun time.Time
}

// Run is one process of the lab: it reads its Config as the first line of in
// and new Knobs from the following ones, and ends with in or ctx. What it
// has to say it writes to out as lines of [Event].
func Run(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	p := &process{out: json.NewEncoder(out), begun: time.Now()}
	if !lines.Scan() {
		return errors.New("lab part: no configuration on standard input; it is started by 'foreshock demo'")
	}
	if err := json.Unmarshal(lines.Bytes(), &p.Config); err != nil {
		return fmt.Errorf("lab part: read the configuration: %w", err)
	}
	p.knobs.Store(&p.Knobs)
	ctx, cancel := context.WithTimeout(ctx, p.Life.D())
	defer cancel()
	go func() {
		defer cancel()
		for lines.Scan() {
			k := &Knobs{}
			if json.Unmarshal(lines.Bytes(), k) == nil {
				p.knobs.Store(k)
			}
		}
	}()
	switch p.Role {
	case RoleEdge:
		return p.runEdge(ctx)
	case RoleShop:
		return p.runShop(ctx)
	case RolePricing:
		return p.runPricing(ctx)
	case RoleDatabase:
		return p.runDatabase(ctx)
	case RoleCache:
		return p.runCache(ctx)
	case RoleLoad:
		return p.runLoad(ctx)
	default:
		return known(p.Role)
	}
}

func (p *process) say(e Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Encode(e)
}

// serve listens, says so, and serves until the context ends.
func (p *process) serve(ctx context.Context, h http.Handler) error {
	address := p.Listen
	if address == "" {
		address = "127.0.0.1:0"
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("lab part %s: %w", p.Role, err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	if err := p.say(Event{Ready: &Ready{Address: l.Addr().String()}}); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		_ = srv.Close()
		<-ended //nolint:errcheck // it is that the server was closed
		return nil
	case err := <-ended:
		return err
	}
}

// caller returns a client with enough connections to one host, and no proxy:
// the lab stays on this machine.
func caller() *http.Client {
	return &http.Client{Transport: &http.Transport{
		MaxIdleConns: 512, MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute,
		DialContext: (&net.Dialer{Timeout: time.Second}).DialContext,
	}}
}

package lab

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/foreshock/foreshock/lab/part"
)

// readyWithin is how long a process may take to serve.
const readyWithin = 20 * time.Second

// Argument makes a program that calls [Main] a part of the lab.
const Argument = "lab-part"

// Main is what the program does when its only argument is [Argument]: it
// becomes one process of a lab, told what to be on standard input.
func Main(ctx context.Context, in io.Reader, out io.Writer) error { return part.Run(ctx, in, out) }

// A child is one process of the lab. When it dies it is started again at the
// same address, as a kubelet would.
type child struct {
	config  part.Config
	exe     string
	tallies chan<- part.Tally // of the callers; else nil
	stderr  *tail

	mu       sync.Mutex
	cmd      *exec.Cmd
	in       io.WriteCloser
	restarts int
	stopping bool
	served   bool
	address  string
	done     chan struct{} // closed when the process is gone for good
}

// start runs the process and waits until it serves.
func start(ctx context.Context, exe string, c part.Config, tallies chan<- part.Tally) (*child, error) {
	ch := &child{config: c, exe: exe, tallies: tallies, stderr: &tail{}, done: make(chan struct{})}
	ready := make(chan string, 1)
	out, err := ch.launch()
	if err != nil {
		return nil, err
	}
	go ch.supervise(out, ready)
	deadline := time.NewTimer(readyWithin)
	defer deadline.Stop()
	select {
	case ch.address = <-ready:
		ch.config.Listen = ch.address // the same again after a crash
		return ch, nil
	case <-ch.done:
		return nil, &ProcessError{Process: ch.name(), Text: cmp.Or(ch.stderr.String(), "it ended at once")}
	case <-deadline.C:
		ch.stop()
		return nil, fmt.Errorf("start %s: not ready after %s; the machine may be too busy", ch.name(), readyWithin)
	case <-ctx.Done():
		ch.stop()
		return nil, context.Cause(ctx)
	}
}

// A ProcessError is that a process of the lab ended before it was ready.
type ProcessError struct {
	Process string // its role and pod
	Text    string // what it said last
}

func (e *ProcessError) Error() string { return "start " + e.Process + ": " + e.Text }

func (c *child) name() string { return strings.TrimSuffix(c.config.Role+" "+c.config.Pod, " ") }

// launch starts the program and hands it its configuration.
func (c *child) launch() (io.Reader, error) {
	cmd := exec.Command(c.exe, Argument) //nolint:noctx // it ends with its standard input, and is started again without a caller
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2", "GOGC=200")
	cmd.Stderr = c.stderr
	cmd.SysProcAttr = dieWithParent()
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name(), err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name(), err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name(), err)
	}
	c.mu.Lock()
	c.cmd, c.in = cmd, in
	err = json.NewEncoder(in).Encode(c.config)
	c.mu.Unlock()
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("start %s: %w", c.name(), err)
	}
	return out, nil
}

// restartAfter is how long a crashed process stays away.
const restartAfter = 2 * time.Second

// supervise reads what the process says until it ends, and starts it again
// unless it was stopped.
func (c *child) supervise(out io.Reader, ready chan<- string) {
	defer close(c.done)
	for {
		c.listen(out, ready)
		_ = c.cmd.Wait()
		if c.isStopping() || !c.hasServed() {
			return
		}
		time.Sleep(restartAfter)
		if c.isStopping() {
			return
		}
		next, err := c.launch()
		if err != nil {
			fmt.Fprintln(c.stderr, err)
			return
		}
		out = next
		c.mu.Lock()
		c.restarts++
		c.mu.Unlock()
	}
}

func (c *child) hasServed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served
}

func (c *child) isStopping() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopping
}

func (c *child) listen(out io.Reader, ready chan<- string) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e part.Event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		if e.Ready != nil {
			c.mu.Lock()
			c.served = true
			c.mu.Unlock()
			select {
			case ready <- e.Ready.Address:
			default: // again, after a crash
			}
		}
		if e.Tally != nil && c.tallies != nil {
			c.tallies <- *e.Tally
		}
	}
}

// turn gives the process new knobs, also for after a crash. One that has just
// died is told when it starts again.
func (c *child) turn(change func(*part.Knobs)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.config.Knobs)
	_ = json.NewEncoder(c.in).Encode(c.config.Knobs)
}

// kill ends the process as a crash does; it starts again.
func (c *child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd != nil && c.cmd.Process != nil {
		_ = c.cmd.Process.Kill()
	}
}

// stop ends the process for good and waits for it.
func (c *child) stop() {
	c.mu.Lock()
	c.stopping = true
	_ = c.in.Close()
	cmd := c.cmd
	c.mu.Unlock()
	select {
	case <-c.done:
	case <-time.After(3 * time.Second):
		_ = cmd.Process.Kill()
		<-c.done
	}
}

// tail keeps the last lines of what a process complained of.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, strings.Split(strings.TrimSpace(string(b)), "\n")...)
	t.lines = slices.Delete(t.lines, 0, max(len(t.lines)-5, 0))
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "; ")
}

package lab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain makes the test's own program a part of the lab when it is asked to
// be one, and the owner of a lab that waits to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == Argument {
		if err := Main(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 2 && os.Args[1] == "own-a-lab" {
		f, _ := Find("none")
		l, err := Start(context.Background(), Config{Fault: f})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(pids(l))
		select {}
	}
	os.Exit(m.Run())
}

// pids lists the processes of a lab.
func pids(l *Lab) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, ch := range l.children {
		ch.mu.Lock()
		out = append(out, strconv.Itoa(ch.cmd.Process.Pid))
		ch.mu.Unlock()
	}
	return strings.Join(out, " ")
}

// gone waits until a process has ended.
func gone(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if syscall.Kill(n, 0) != nil || zombie(n) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("process %s is still there 5 s after its lab ended", pid)
}

// zombie says whether a process has ended and was not asked for yet: that of
// a killed owner is asked for by whoever adopts it.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func find(t *testing.T, name string) Fault {
	t.Helper()
	f, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// TestLab starts a system, orders from both versions, looks at the metrics
// and ends it.
func TestLab(t *testing.T) {
	l, err := Start(t.Context(), Config{Fault: find(t, "schema-new"), Onset: -1, Rate: 30})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	processes := strings.Fields(pids(l))
	if got := len(processes); got != 7 {
		t.Errorf("a lab without a new version has %d processes, want 7", got)
	}
	if status, body := fetch(t, "http://"+l.Edge()+"/order?sku=sku-1"); status != http.StatusOK || !strings.Contains(body, `"Version":"v1"`) {
		t.Errorf("an order gives %d %s, want 200 and v1", status, body)
	}
	if err := l.Deploy(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Begin()
	l.SetWeight(1)
	status := 0
	for range 40 {
		if status, _ = fetch(t, "http://"+l.Edge()+"/order?sku=sku-1"); status != http.StatusOK {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if status != http.StatusInternalServerError {
		t.Errorf("an order at a version that reads a column which is not there gives %d, want 500", status)
	}
	want := map[string][]string{
		"edge":    {`edge_upstream_request_duration_seconds_bucket{error_type="500",http_response_status_code="500",pod="shop-v2-`, "http_server_active_requests"},
		"shop":    {"http_client_request_duration_seconds_bucket", "process_cpu_seconds_total", "go_goroutines", `app_build_info{app_version="v`},
		"db":      {"go_sql_max_open_connections", "db_client_connection_use_time_seconds_sum"},
		"pricing": {"app_workers_max 3"},
		"cache":   {`cache_requests_total{result="hit"}`},
	}
	for _, target := range l.Targets() {
		_, text := fetch(t, "http://"+target.Address+"/metrics")
		for _, w := range want[target.Service] {
			if !strings.Contains(text, w) {
				t.Errorf("the metrics of %s lack %s", target.Pod, w)
			}
		}
	}
	time.Sleep(4500 * time.Millisecond) // a second is told after three
	sent, failed := 0, 0
	for _, tally := range l.Tallies() {
		for _, c := range tally.Versions {
			sent, failed = sent+c.Sent, failed+c.Failed
		}
	}
	if sent < 20 || failed < 5 {
		t.Errorf("the callers sent %d requests of which %d failed, want over 20 and over 5", sent, failed)
	}
	folder := l.folder
	processes = strings.Fields(pids(l))
	l.Close()
	l.Close() // twice does no harm
	for _, pid := range processes {
		gone(t, pid)
	}
	if _, err := os.Stat(folder.Path); !os.IsNotExist(err) {
		t.Errorf("the folder %s is still there", folder.Path)
	}
}

// TestCrash lets an instance crash and looks for it to come back at the same
// address.
func TestCrash(t *testing.T) {
	l, err := Start(t.Context(), Config{Fault: find(t, "pod-rescheduled"), Onset: 50 * time.Millisecond, Rate: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Begin()
	time.Sleep(restartAfter + 2*time.Second)
	if got := l.Restarts("v1"); got != 1 {
		t.Errorf("Restarts(v1) = %d after a crash, want 1", got)
	}
	for _, target := range l.Targets() {
		if status, _ := fetch(t, "http://"+target.Address+"/metrics"); status != http.StatusOK {
			t.Errorf("%s answers %d after the crash, want 200", target.Pod, status)
		}
	}
}

// TestKilled kills a program that owns a lab, as hard as can be, and looks
// for its processes.
func TestKilled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "own-a-lab")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	processes := strings.Fields(line)
	if len(processes) != 7 {
		t.Fatalf("the lab has processes %v, want 7", processes)
	}
	for _, pid := range processes {
		gone(t, pid)
	}
}

func TestStartFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := Start(t.Context(), Config{Fault: find(t, "none"), Listen: taken.Addr().String()}); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("Start with a port in use: %v, want an error that says so", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := Start(ended, Config{Fault: find(t, "none")}); err == nil {
		t.Error("Start with a context that has ended gives no error")
	}
	if _, err := Start(t.Context(), Config{}); err == nil {
		t.Error("Start without a fault gives no error")
	}
	t.Setenv("TMPDIR", "/nowhere")
	if _, err := Start(t.Context(), Config{Fault: find(t, "none")}); err == nil || !strings.Contains(err.Error(), "make a folder") {
		t.Errorf("Start without a place for files: %v, want an error that says so", err)
	}
}

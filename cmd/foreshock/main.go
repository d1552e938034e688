// Command foreshock forecasts releases: it reads a rollout's metrics and says
// what the system is about to do next.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/foreshock/foreshock/internal/cli"
)

func main() {
	// A terminal that is closed, or a job that is ended, leaves as little behind as ctrl-C.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // who stops reading (head) is an error to clean up after, and no kill
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

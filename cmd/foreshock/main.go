// Command foreshock forecasts releases: it reads a rollout's metrics and says
// what the system is about to do next.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/foreshock/foreshock/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

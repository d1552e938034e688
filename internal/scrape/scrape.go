// Package scrape reads /metrics endpoints into a database, with Prometheus'
// own scraper: relabelling, staleness and the up series are as users know
// them.
package scrape

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
)

// A Target is one endpoint, with the labels that its series get. Labels that
// the endpoint itself sets are kept (honor_labels).
type Target struct {
	Address string // host:port; the path is /metrics
	Labels  map[string]string
}

// A Scraper reads its targets at an interval until it is stopped.
type Scraper struct {
	manager *scrape.Manager
	targets chan map[string][]*targetgroup.Group
	done    chan error
}

// job names the one job of a Scraper, in the label job too.
const job = "foreshock"

// Start begins to scrape nothing yet: see [Scraper.Set]. A nil log discards.
// Stop ends it.
func Start(into storage.Appendable, every time.Duration, log *slog.Logger) (*Scraper, error) {
	if log == nil {
		log = promslog.NewNopLogger()
	}
	m, err := scrape.NewManager(&scrape.Options{
		DiscoveryReloadInterval: model.Duration(200 * time.Millisecond), DiscoveryReloadOnStartup: true,
	}, log, nil, into, nil, prometheus.NewRegistry())
	if err != nil {
		return nil, fmt.Errorf("scrape: %w", err)
	}
	cfg, err := config.Load(fmt.Sprintf(
		"scrape_configs: [{job_name: %s, scrape_interval: %s, scrape_timeout: %s, honor_labels: true}]",
		job, model.Duration(every), model.Duration(every)), log)
	if err != nil {
		return nil, fmt.Errorf("scrape every %s: %w", every, err)
	}
	if err := m.ApplyConfig(cfg); err != nil {
		return nil, fmt.Errorf("scrape every %s: %w", every, err)
	}
	s := &Scraper{manager: m, targets: make(chan map[string][]*targetgroup.Group), done: make(chan error, 1)}
	go func() { s.done <- m.Run(s.targets) }()
	return s, nil
}

// Set replaces the targets.
func (s *Scraper) Set(ctx context.Context, targets []Target) error {
	group := &targetgroup.Group{Source: job}
	for _, t := range targets {
		ls := model.LabelSet{model.AddressLabel: model.LabelValue(t.Address)}
		for k, v := range t.Labels {
			ls[model.LabelName(k)] = model.LabelValue(v)
		}
		group.Targets = append(group.Targets, ls)
	}
	select {
	case s.targets <- map[string][]*targetgroup.Group{job: {group}}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Stop ends the scraping and waits for it.
func (s *Scraper) Stop() {
	s.manager.Stop()
	<-s.done //nolint:errcheck // Run returns nil when it is stopped
}

package part

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// prices looks in the cache, and asks pricing on a miss.
func (s *shop) prices(ctx context.Context, k Shop, sku string) ([]int, error) {
	key := k.CachePrefix + sku
	if !k.NoCache {
		if body, err := s.call(ctx, k, "cache", s.Peers.Cache, "/get?key="+url.QueryEscape(key)); err == nil {
			if price, err := strconv.Atoi(string(body)); err == nil {
				return []int{price}, nil
			}
		}
	}
	var out []int
	for range max(k.FanOut, 1) {
		price, err := s.price(ctx, k, sku)
		if err != nil {
			return nil, err
		}
		out = append(out, price)
	}
	// A lost write costs a miss later and nothing else.
	_, _ = s.call(ctx, k, "cache", s.Peers.Cache, "/put?key="+url.QueryEscape(key)+"&value="+strconv.Itoa(out[0]))
	return out[:1], nil
}

// price asks pricing, and again after a failure as often as the knobs say.
func (s *shop) price(ctx context.Context, k Shop, sku string) (int, error) {
	address := cmp.Or(k.PricingAt, s.Peers.Pricing)
	for try := 0; ; try++ {
		body, err := s.call(ctx, k, "pricing", address, "/price?sku="+url.QueryEscape(sku))
		if err == nil {
			return strconv.Atoi(string(body))
		}
		if try >= k.CallRetries || ctx.Err() != nil {
			return 0, err
		}
		s.meter.resends.WithLabelValues("pricing").Inc()
	}
}

// query asks the database. At most DBCalls are on their way at once, which
// is what a pool in the shop allows.
func (s *shop) query(ctx context.Context, k Shop, sku string) error {
	if k.DBCalls > 0 {
		ctx, cancel := context.WithTimeout(ctx, k.CallTimeout.D())
		defer cancel()
		if err := s.calls.enter(ctx, k.DBCalls, -1); err != nil {
			return err
		}
		defer s.calls.leave()
	}
	v := url.Values{"sku": {sku}, "n": {strconv.Itoa(max(k.Queries, 1))}, "query": {k.Query}, "version": {s.Version}}
	if k.Parallel {
		v.Set("parallel", "1")
	}
	if k.HoldConn > 0 {
		v.Set("hold", k.HoldConn.D().String())
	}
	_, err := s.call(ctx, k, "db", s.Peers.Database, "/query?"+v.Encode())
	return err
}

// call asks another service, with a bound on the time.
func (s *shop) call(ctx context.Context, k Shop, service, address, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, k.CallTimeout.D())
	defer cancel()
	start := time.Now()
	status, body, err := fetch(ctx, s.client, "http://"+address+path)
	s.meter.called(service, start, status, err)
	if err == nil && status >= 400 {
		err = statusError(status)
	}
	return body, err
}

func fetch(ctx context.Context, client *http.Client, address string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, body, err
}

package cases

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// counters are those that the Envoy at the entrance has of one destination, as upstream_rq_503 (Envoy's
// docs/root/configuration/upstream/cluster_manager/cluster_stats.rst).
type counters map[string]int

// The ones that the cases read. A response that Envoy makes itself for want of a pod counts among the destination's.
const (
	serverErrors = "upstream_rq_5xx"
	noPod        = "upstream_cx_none_healthy"
	ejections    = "outlier_detection.ejections_enforced_total"
	overflow     = "outlier_detection.ejections_overflow"
	healthy      = "membership_healthy"
)

// since subtracts what was counted before.
func (c counters) since(before counters, name string) int { return c[name] - before[name] }

// counters asks for those of a host.
func (e *Env) counters(ctx context.Context, host string) (counters, error) {
	out, err := e.envoy(ctx, "stats?filter="+host)
	if err != nil {
		return nil, err
	}
	found := readCounters(out, host)
	if len(found) == 0 {
		return nil, errors.New("the Envoy at the entrance counts nothing of " + host)
	}
	return found, nil
}

// reachable waits until the entrance has so many pods of a host that it may ask: some seconds after the kubelet calls
// them ready.
func (e *Env) reachable(ctx context.Context, host string, want int) error {
	return eventually(ctx, fmt.Sprintf("the entrance to know %d pods of %s", want, host), func(ctx context.Context) error {
		found, err := e.counters(ctx, host)
		if err == nil && found[healthy] < want {
			err = fmt.Errorf("it knows %d", found[healthy])
		}
		return err
	})
}

// readCounters reads Envoy's text form. Istio ends the name of a cluster with a semicolon (DelimitedStatsPrefix in its
// pilot/pkg/networking/util); ports of one host are added up, and histograms left out.
func readCounters(text, host string) counters {
	found := counters{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		cluster, counter, ok := strings.Cut(name, "|"+host)
		number, err := strconv.Atoi(value)
		counter = strings.TrimPrefix(counter, ";")
		if !ok || err != nil || !strings.HasPrefix(cluster, "cluster.outbound|") || !strings.HasPrefix(counter, ".") {
			continue
		}
		found[counter[1:]] += number
	}
	return found
}

package cases

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestReadCounters has lines of an Envoy that istiod configured, with and without the semicolon of its newer releases.
func TestReadCounters(t *testing.T) {
	t.Parallel()
	const text = `cluster.outbound|80||v2.llm.svc.cluster.local;.upstream_rq_5xx: 7
cluster.outbound|80||v2.llm.svc.cluster.local;.external.upstream_rq_5xx: 7
cluster.outbound|80||v2.llm.svc.cluster.local;.membership_healthy: 1
cluster.outbound|81||v2.llm.svc.cluster.local.upstream_rq_5xx: 2
cluster.outbound|80||v2.llm.svc.cluster.local.example.upstream_rq_5xx: 100
cluster.outbound|80||canary-v2.llm.svc.cluster.local;.upstream_rq_5xx: 1000
cluster.inbound|8080||v2.llm.svc.cluster.local;.upstream_rq_5xx: 10000
cluster.outbound|80||v2.llm.svc.cluster.local;.upstream_rq_time: P0(nan,1.0) P100(nan,2.0)
`
	found := readCounters(text, "v2.llm.svc.cluster.local")
	assert.Equal(t, 9, found[serverErrors])
	assert.Equal(t, 1, found[healthy])
	assert.Zero(t, found[ejections])
	assert.Equal(t, 4, found.since(counters{serverErrors: 5}, serverErrors))
	assert.Empty(t, readCounters("", "v2"))
}

package catalog

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var instanceName = regexp.MustCompile(`^[a-z]+\d+[a-z]*(-[a-z]\d+)?\.\d*x?large$`)

// unknown are types of which only some figures were found.
var unknown = map[string]bool{"trn2.3xlarge": true}

// unpriced are not on offer on demand in the region of the prices.
var unpriced = map[string]bool{"p5e.48xlarge": true, "trn2.3xlarge": true, "trn2.48xlarge": true}

func instances(t *testing.T) map[string]Instance {
	t.Helper()
	list, err := EC2Instances()
	require.NoError(t, err)
	assertSources(t, []string{list.Prices.Source})
	_, err = time.Parse(time.DateOnly, list.Prices.Day)
	require.NoError(t, err)
	assert.Equal(t, "us-east-1", list.Prices.Region)
	byName := map[string]Instance{}
	for _, i := range list.Types {
		require.NotContains(t, byName, i.Name)
		byName[i.Name] = i
	}
	return byName
}

func TestInstances(t *testing.T) {
	t.Parallel()
	known := accelerators(t)
	for name, i := range instances(t) {
		t.Run(name, func(t *testing.T) {
			assert.Regexp(t, instanceName, name)
			a, ok := known[i.Accelerator]
			require.True(t, ok, "%s", i.Accelerator)
			assert.Contains(t, a.Instances, name, "the accelerator's own list")
			assert.LessOrEqual(t, i.Count, a.PerNode)
			assert.Equal(t, a.Resource != "", i.Count > 0)
			assert.Positive(t, i.NetworkGbps)
			assert.Equal(t, unpriced[name], i.USDPerHour == 0)
			if unknown[name] {
				return
			}
			assert.Positive(t, i.CPUs)
			assert.Positive(t, i.MemoryGiB)
			assert.InDelta(t, i.CPUs*1000, i.AllocatableMilliCPU, 600)
			assert.InDelta(t, i.MemoryGiB*1024*0.9, i.AllocatableMiB, i.MemoryGiB*1024*0.055)
			assert.GreaterOrEqual(t, i.CPUs, i.Count*a.HostCPU, "the host's share of every device")
			assert.GreaterOrEqual(t, i.MemoryGiB, float64(i.Count*a.HostMemoryGiB), "the host's share of every device")
		})
	}
}

// Every type that an accelerator is said to be in is there, and one of them is full.
func TestAcceleratorsAreInInstances(t *testing.T) {
	t.Parallel()
	types := instances(t)
	for name, a := range accelerators(t) {
		most := 0
		for _, instance := range a.Instances {
			i, ok := types[instance]
			assert.True(t, ok, "%s of %s", instance, name)
			assert.Equal(t, name, i.Accelerator, "%s", instance)
			most = max(most, i.Count)
		}
		if len(a.Instances) > 0 {
			assert.Equal(t, a.PerNode, most, "%s", name)
		}
	}
}

func TestParseInstances(t *testing.T) {
	t.Parallel()
	list, err := ParseInstances("x.yaml", []byte("prices: {day: 2026-01-01, region: eu-west-1, source: mine}\ntypes: [{name: g5.xlarge, accelerator: a10g, count: 1, usdPerHour: 1}]"))
	require.NoError(t, err)
	assert.InDelta(t, 1.0, list.Types[0].USDPerHour, 0)
	for text, want := range map[string]string{
		"types: [{name: g5.xlarge, price: 1}]":             "unknown field",
		"types: [{name: g5.xlarge, name: g5.xlarge}]":      "already set",
		"types: {name: g5.xlarge}":                         "x.yaml",
		"types: [{name: g5.xlarge, usdPerHour: 1}]":        "prices.day and prices.region",
		"types: [{name: g5.xlarge, usdPerHour: a dollar}]": "x.yaml",
	} {
		_, err := ParseInstances("x.yaml", []byte(text))
		assert.ErrorContains(t, err, want, text)
	}
}

func TestSpeed(t *testing.T) {
	t.Parallel()
	for name, a := range accelerators(t) {
		if a.Resource == "" {
			assert.Zero(t, a.Speed)
			continue
		}
		assertSources(t, []string{a.Speed.Source})
		assert.Positive(t, a.Speed.MemoryGBps, name)
		if a.Speed.FP8TFLOPS > 0 && a.Speed.BF16TFLOPS > 0 {
			assert.GreaterOrEqual(t, a.Speed.FP8TFLOPS, a.Speed.BF16TFLOPS, name)
		}
	}
}

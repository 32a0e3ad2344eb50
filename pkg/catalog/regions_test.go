package catalog

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRegions(t *testing.T) {
	t.Parallel()
	regions, err := AWSRegions()
	require.NoError(t, err)
	assertSources(t, []string{regions.Partitions.Source, regions.Offers.Source})
	for _, day := range []string{regions.Partitions.Day, regions.Offers.Day} {
		_, err = time.Parse(time.DateOnly, day)
		require.NoError(t, err)
	}
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		assert.NotEmpty(t, regions.Partitions.Regions[partition], partition)
	}
	names := regions.Names()
	assert.Equal(t, names, slices.Compact(slices.Clone(names)), "a region is in one partition")
	assert.Contains(t, names, "us-gov-west-1")
	assert.NotContains(t, names, "aws-global")
}

func TestOffers(t *testing.T) {
	t.Parallel()
	regions, err := AWSRegions()
	require.NoError(t, err)
	known := instances(t)
	for region, types := range regions.Offers.Zones {
		assert.Contains(t, regions.Names(), region)
		for name, zones := range types {
			assert.Contains(t, known, name, region)
			assert.Positive(t, zones, region)
			assert.LessOrEqual(t, zones, 6, region)
		}
	}
	for name, i := range known {
		if zones, _ := regions.Offers.In("us-east-1", name); i.Accelerator != "none" {
			assert.Equal(t, i.USDPerHour > 0, zones > 0, "%s has a price in us-east-1 where it is offered", name)
		}
	}
	_, asked := regions.Offers.In("us-gov-west-1", "g5.xlarge")
	assert.False(t, asked)
	assert.Equal(t, []string{"us-east-2"}, regions.Offers.With("trn2.48xlarge"))
}

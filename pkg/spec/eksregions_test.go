package spec_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// in writes a document on EKS in a region.
func in(region, nodes string, lines ...string) string {
	return named("name: a", append(lines, fmt.Sprintf("platform: {eks: {cluster: llm, region: %s, nodes: {%s}}}", region, nodes))...)
}

// TestRegionsThatMayBe: a region that the catalogue lacks may be new where it is called as regions are.
func TestRegionsThatMayBe(t *testing.T) {
	t.Parallel()
	regions, err := catalog.AWSRegions()
	require.NoError(t, err)
	for _, name := range regions.Names() {
		assert.Empty(t, load(t, named("name: a", distill, "accelerator: {type: a10g}", fmt.Sprintf("platform: {eks: {cluster: llm, region: %s}}", name))).Remarks, name)
	}
	for name, says := range map[string]string{
		"us-east-3":  "us-east-3 is not among AWS' regions of 2026-11-10, and so is mistyped or newer than that; did you mean us-east-1?",
		"nz-south-1": "nz-south-1 is not among AWS' regions",
	} {
		remarks := load(t, in(name, "", distill, "accelerator: {type: a10g}")).Remarks
		require.Len(t, remarks, 1)
		assert.Contains(t, remarks[0].Error(), says)
	}
}

func TestTypesAreThoseOfTheRegion(t *testing.T) {
	t.Parallel()
	types := func(text string) []string {
		pools := poolsOf(t, text)
		require.Len(t, pools, 1)
		return pools[0].TypeNames()
	}
	assert.Equal(t, []string{"p5en.48xlarge"}, types(in("us-east-1", "", r1, "accelerator: {type: h200}")))
	assert.Equal(t, []string{"p5e.48xlarge"}, types(in("eu-west-2", "", r1, "accelerator: {type: h200}")), "p5en is not there")
	assert.Equal(t, []string{"trn2.48xlarge"}, types(in("us-east-2", "", "model: {id: meta-llama/Llama-3.3-70B-Instruct}", "accelerator: {type: trainium2}")))

	said := load(t, in("eu-west-1", "instanceTypes: [p5en.48xlarge]", r1, "accelerator: {type: h200}")).Remarks
	require.Len(t, said, 1, "the document knows better")
	assert.Contains(t, said[0].Error(), "EC2 offered no p5en.48xlarge in eu-west-1 when it was asked (2026-08-01), but in ")
	reserved := "reservation: {id: cr-0123456789abcdef0}, instanceTypes: [p5en.48xlarge]"
	assert.Empty(t, load(t, in("eu-west-1", reserved, r1, "accelerator: {type: h200}")).Remarks, "a reservation is of a type that is there")
	assert.Empty(t, load(t, in("us-gov-west-1", "", r1, "accelerator: {type: h200}")).Remarks, "nobody asked there")
}

// TestZonesWithoutAType: zones are counted, since their names differ by account.
func TestZonesWithoutAType(t *testing.T) {
	t.Parallel()
	zones := func(list string) []string {
		var said []string
		for _, remark := range load(t, named("name: a", r1, "accelerator: {type: h200}", fmt.Sprintf("platform: {eks: {cluster: llm, region: us-east-1, zones: [%s], nodes: {}}}", list))).Remarks {
			said = append(said, remark.Error())
		}
		return said
	}
	assert.Empty(t, zones("us-east-1a, us-east-1b"))
	said := zones("us-east-1a, us-east-1b, us-east-1c")
	require.Len(t, said, 1)
	assert.Contains(t, said[0], "in 2 of the zones of us-east-1 when it was asked (2026-08-01), so that at least one of the 3 that are named has none; which, says aws ec2 describe-instance-type-offerings")
}

package catalog

import (
	_ "embed" // the regions
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

//go:embed data/regions.json
var regionFacts []byte

// Regions are those of AWS, and what EC2 offers in them.
type Regions struct {
	Partitions Partitions `json:"partitions"`
	Offers     Offers     `json:"offers"`
}

// Partitions are the parts of AWS, such as aws, aws-cn and aws-us-gov, with the names of their regions.
type Partitions struct {
	// Source is AWS' SDK, Day that of its release, as 2026-11-10.
	Source  string              `json:"source"`
	Day     string              `json:"day"`
	Regions map[string][]string `json:"regions"`
}

// Offers say in how many zones of a region EC2 offers an instance type of the catalogue.
type Offers struct {
	// Source is a copy of what EC2's DescribeInstanceTypeOfferings answered, Day when it was asked.
	Source string `json:"source"`
	Day    string `json:"day"`
	// Zones by region and instance type. A region that is not there was not asked; a type that is not there is not offered.
	Zones map[string]map[string]int `json:"zones"`
}

var readRegions = sync.OnceValues(func() (Regions, error) {
	var regions Regions
	if err := json.Unmarshal(regionFacts, &regions); err != nil {
		return Regions{}, fmt.Errorf("reading the regions of the catalogue: %w", err)
	}
	return regions, nil
})

// AWSRegions are the regions that were found. Do not change them.
func AWSRegions() (Regions, error) { return readRegions() }

// Names are those of all regions, sorted.
func (r Regions) Names() []string {
	var names []string
	for _, regions := range r.Partitions.Regions {
		names = append(names, regions...)
	}
	slices.Sort(names)
	return names
}

// In is the number of zones of a region that have an instance type. known is false where EC2 wasn't asked.
func (o Offers) In(region, instance string) (zones int, known bool) {
	types, known := o.Zones[region]
	return types[instance], known
}

// With are the regions that have an instance type, sorted.
func (o Offers) With(instance string) []string {
	var regions []string
	for region, types := range o.Zones {
		if types[instance] > 0 {
			regions = append(regions, region)
		}
	}
	slices.Sort(regions)
	return regions
}

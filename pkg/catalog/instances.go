package catalog

import (
	"fmt"
	"slices"
	"sync"

	"sigs.k8s.io/yaml"
)

// Instances is what EC2 rents out, at the prices of one day.
type Instances struct {
	Prices PriceList  `json:"prices"`
	Types  []Instance `json:"types"`
}

// PriceList says what the prices are.
type PriceList struct {
	// Day is their date, as 2026-07-20.
	Day    string `json:"day"`
	Region string `json:"region"`
	Source string `json:"source"`
}

// Instance is one instance type. A zero means that no source was found, except for Count, EFA and LocalNVMeGB, which may be none.
type Instance struct {
	// Name is EC2's, as p5.48xlarge.
	Name string `json:"name"`
	// Accelerator is the name of an Accelerator, Count how many of it the type has.
	Accelerator string `json:"accelerator"`
	Count       int    `json:"count,omitempty"`
	// CPUs are virtual ones.
	CPUs int `json:"cpus,omitempty"`
	// MemoryGiB is the whole memory of the host.
	MemoryGiB float64 `json:"memoryGiB,omitempty"`
	// AllocatableMilliCPU and AllocatableMiB are what the kubelet leaves of both for pods.
	AllocatableMilliCPU int64 `json:"allocatableMilliCPU,omitempty"`
	AllocatableMiB      int64 `json:"allocatableMiB,omitempty"`
	// EFA is the number of EFA interfaces.
	EFA int `json:"efa,omitempty"`
	// NetworkGbps is guaranteed, in 10⁹ bits a second.
	NetworkGbps float64 `json:"networkGbps,omitempty"`
	// LocalNVMeGB is what its own disks hold together, in 10⁹ bytes.
	LocalNVMeGB int `json:"localNVMeGB,omitempty"`
	// USDPerHour is the on-demand price, 0 where the list has none.
	USDPerHour float64 `json:"usdPerHour,omitempty"`
}

var readInstances = sync.OnceValues(func() (Instances, error) {
	const name = "data/instances.yaml"
	data, err := files.ReadFile(name)
	if err != nil {
		return Instances{}, fmt.Errorf("reading the catalogue: %w", err)
	}
	return ParseInstances(name, data)
})

// ParseInstances reads a list of instance types in the form of the catalogue's own. It refuses fields that the types do not
// have, keys that occur twice, and prices without a day.
func ParseInstances(name string, data []byte) (Instances, error) {
	var list Instances
	if err := yaml.UnmarshalStrict(data, &list); err != nil {
		return Instances{}, fmt.Errorf("reading the instance types of %s: %w", name, err)
	}
	priced := slices.ContainsFunc(list.Types, func(i Instance) bool { return i.USDPerHour != 0 })
	if priced && (list.Prices.Day == "" || list.Prices.Region == "") {
		return Instances{}, fmt.Errorf("reading the instance types of %s: prices.day and prices.region say of which day and where the prices are; set them", name)
	}
	return list, nil
}

// EC2Instances lists the instance types in the order of the catalogue.
func EC2Instances() (Instances, error) {
	list, err := readInstances()
	list.Types = slices.Clone(list.Types)
	return list, err
}

package karpenter

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// instanceType is one in the form of the kwok provider (kwok/cloudprovider/helpers.go).
type instanceType struct {
	Name             string            `json:"name"`
	Offerings        []offering        `json:"offerings"`
	Architecture     string            `json:"architecture"`
	OperatingSystems []string          `json:"operatingSystems"`
	Resources        map[string]string `json:"resources"`
}

type offering struct {
	Price        float64
	Available    bool
	Requirements []requirement
}

type requirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

func in(key string, values ...string) requirement { return requirement{key, "In", values} }

// writeInstanceTypes teaches the provider all types of the catalogue: what they leave to pods, their labels, on demand and, at
// two fifths of the price, as spot, in the zones. Types without a price are dear, since they can't be had on demand.
func writeInstanceTypes(path string, zones []string) error {
	list, err := catalog.EC2Instances()
	if err != nil {
		return err
	}
	var types []instanceType
	for _, i := range list.Types {
		if i.AllocatableMiB == 0 {
			continue
		}
		t, err := ofCatalogue(i, zones)
		if err != nil {
			return err
		}
		types = append(types, t)
	}
	data, err := json.Marshal(types)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

func ofCatalogue(i catalog.Instance, zones []string) (instanceType, error) {
	accelerator, _, err := catalog.FindAccelerator(i.Accelerator)
	if err != nil {
		return instanceType{}, err
	}
	t := instanceType{
		Name: i.Name, Architecture: "amd64", OperatingSystems: []string{"linux"},
		// The provider keeps 100m and 10Mi for the kubelet, which the catalogue has left out already.
		Resources: map[string]string{
			"cpu": fmt.Sprintf("%dm", i.AllocatableMilliCPU+100), "memory": fmt.Sprintf("%dMi", i.AllocatableMiB+10),
			"ephemeral-storage": fmt.Sprintf("%d", max(i.LocalNVMeGB, 30)*1_000_000_000),
		},
	}
	if accelerator.Resource != "" {
		t.Resources[accelerator.Resource] = fmt.Sprint(i.Count)
	}
	if i.EFA > 0 {
		t.Resources["vpc.amazonaws.com/efa"] = fmt.Sprint(i.EFA)
	}
	price := i.USDPerHour
	if price == 0 {
		price = 1000
	}
	for capacity, share := range map[string]float64{"on-demand": 1, "spot": 0.4} {
		for _, zone := range zones {
			o := offering{
				Price: price * share, Available: true,
				Requirements: []requirement{in("karpenter.sh/capacity-type", capacity), in("topology.kubernetes.io/zone", zone)},
			}
			o.Requirements = append(o.Requirements, deviceLabels(accelerator)...)
			t.Offerings = append(t.Offerings, o)
		}
	}
	return t, nil
}

// deviceLabels are those that Karpenter's provider for AWS knows of an instance before it is there, by the first term of the
// catalogue. They stand in the offerings, whose keys the kwok provider takes for well known.
func deviceLabels(a catalog.Accelerator) []requirement {
	var labels []requirement
	if len(a.Nodes) > 0 {
		for _, label := range a.Nodes[0] {
			labels = append(labels, in(label.Key, label.Values...))
		}
	}
	return labels
}

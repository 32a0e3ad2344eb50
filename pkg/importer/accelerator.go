package importer

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// noDevices is the accelerator of a replica that runs on CPUs.
const noDevices = "none"

// devices is what a workload runs on.
type devices struct {
	accelerator catalog.Accelerator
	count       int
	// guessed is set where nothing but the resource's name tells, and more than one accelerator is counted so.
	guessed bool
}

// findDevices infers the accelerator: by the resource that is asked for, then by what the nodes must be.
func findDevices(w *workload, id, chosen string) (devices, error) {
	all, err := catalog.Accelerators()
	if err != nil {
		return devices{}, err
	}
	name, count := w.deviceResource()
	count *= w.nodes()
	if chosen != "" {
		i := slices.IndexFunc(all, func(a catalog.Accelerator) bool { return a.Name == chosen })
		if i < 0 {
			return devices{}, fmt.Errorf("there is no accelerator %q; kservegen init --list shows those with layouts", chosen)
		}
		return devices{accelerator: all[i], count: max(count, 1)}, nil
	}
	fitting := slices.DeleteFunc(all, func(a catalog.Accelerator) bool { return a.Resource != name })
	if len(fitting) == 0 {
		return devices{}, fmt.Errorf("%s asks for %s, and no accelerator of the catalogue is counted so; choose one with --accelerator", w.placed(), name)
	}
	return choose(w, fitting, id, count)
}

// choose takes the accelerator that the nodes' labels tell, else the first layout of the model with as many devices.
func choose(w *workload, fitting []catalog.Accelerator, id string, count int) (devices, error) {
	wanted := nodeLabels(w)
	best, most := fitting[0], 0
	for _, a := range fitting {
		if n := fits(a, wanted); n > most {
			best, most = a, n
		}
	}
	if most > 0 || len(fitting) == 1 {
		return devices{accelerator: best, count: count}, nil
	}
	model, _, err := catalog.FindModel(id)
	if err != nil {
		return devices{}, err
	}
	for _, layout := range model.Layouts {
		i := slices.IndexFunc(fitting, func(a catalog.Accelerator) bool { return a.Name == layout.Accelerator })
		if i >= 0 && layout.GPUs == count {
			return devices{accelerator: fitting[i], count: count, guessed: true}, nil
		}
	}
	var names []string
	for _, a := range fitting {
		names = append(names, a.Name)
	}
	return devices{}, fmt.Errorf("%s asks for %s and says nothing of the nodes that have it; choose one with --accelerator: %s",
		w.placed(), fitting[0].Resource, strings.Join(names, ", "))
}

// deviceResource is the resource of devices that a replica asks for, and how many.
func (w *workload) deviceResource() (string, int) {
	for _, kind := range []string{"limits", "requests"} {
		wanted := fields(w.container.get("resources", kind))
		for _, name := range slices.Sorted(maps.Keys(wanted)) {
			domain, _, extended := strings.Cut(name, "/")
			if !extended || !strings.Contains(domain, ".") || strings.HasSuffix(domain, "kubernetes.io") {
				continue
			}
			q, err := resource.ParseQuantity(text(quantity(wanted[name])))
			if err == nil && q.Value() > 0 && (w.nodes() < 2 || isDevice(name)) {
				return name, int(q.Value())
			}
		}
	}
	return "", 0
}

// isDevice says whether an accelerator of the catalogue is counted so; beside it the nodes of a replica ask for what
// connects them.
func isDevice(name string) bool {
	all, err := catalog.Accelerators()
	return err == nil && slices.ContainsFunc(all, func(a catalog.Accelerator) bool { return a.Resource == name })
}

// nodeLabels are the labels that the nodes of a workload must have, with the values that are allowed.
func nodeLabels(w *workload) map[string][]string {
	labels := map[string][]string{}
	for key, value := range textMap(w.pod.get("nodeSelector")) {
		labels[key] = []string{value}
	}
	required := w.pod.get("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	for _, term := range items(dig(required, "nodeSelectorTerms")) {
		for _, e := range items(dig(term, "matchExpressions")) {
			if dig(e, "operator") == "In" {
				key := text(dig(e, "key"))
				labels[key] = append(labels[key], texts(dig(e, "values"))...)
			}
		}
	}
	return labels
}

// fits counts what of an accelerator's nodes is asked for: labels, types of instances and their families.
func fits(a catalog.Accelerator, wanted map[string][]string) int {
	n := 0
	for _, term := range a.Nodes {
		for _, label := range term {
			for _, value := range label.Values {
				if slices.Contains(wanted[label.Key], value) {
					n++
				}
			}
		}
	}
	for key, values := range wanted {
		for _, value := range values {
			if strings.HasSuffix(key, "/instance-family") && slices.ContainsFunc(a.Instances, func(i string) bool { return strings.HasPrefix(i, value+".") }) {
				n++
			}
		}
	}
	return n
}

// dropTensorParallel takes out the size that a tree computes from the devices: beside another number of them it would be
// wrong.
func (d devices) dropTensorParallel(runtime map[string]any) {
	args := fields(runtime["args"])
	others := 1
	engines := "data-parallel-size"
	if _, local := args[engines+"-local"]; local {
		engines += "-local"
	}
	for _, name := range []string{"pipeline-parallel-size", engines} {
		if n, err := strconv.Atoi(fmt.Sprint(args[name])); err == nil {
			others *= max(n, 1)
		}
	}
	const name = "tensor-parallel-size"
	if args[name] == scalar(strconv.Itoa(d.count*max(d.accelerator.RanksPerDevice, 1)/others)) {
		delete(args, name)
	}
	if len(args) == 0 {
		delete(runtime, "args")
	}
}

// acceleratorFields infers spec.accelerator.
func acceleratorFields(w *workload, d devices) map[string]any {
	accelerator := map[string]any{}
	if d.accelerator.Name != noDevices || !w.isSimulator() {
		put(accelerator, d.accelerator.Name, "type")
	}
	if d.count > 0 {
		put(accelerator, int64(d.count), "perReplica")
	}
	if w.nodes() > 1 {
		put(accelerator, int64(w.nodes()), "nodes")
		put(accelerator, orNil(w.networkOf(d.accelerator.Resource)), "network")
	}
	put(accelerator, items(w.pod.get("securityContext", "supplementalGroups")), "deviceGroups")
	if name := text(w.pod.get("schedulerName")); name != "" && name != corev1.DefaultSchedulerName {
		put(accelerator, name, "schedulerName")
	}
	return accelerator
}

// resourceFields infers spec.resources: what is asked for, since that is what the pod was promised.
func resourceFields(w *workload) map[string]any {
	resources := map[string]any{}
	for field, name := range map[string]string{"cpu": "cpu", "memory": "memory"} {
		for _, kind := range []string{"limits", "requests"} {
			put(resources, quantityScalar(w.container.get("resources", kind, name)), field)
		}
	}
	for _, volume := range w.pod.all("volumes") {
		if dig(volume, "emptyDir", "medium") == "Memory" {
			put(resources, quantityScalar(dig(volume, "emptyDir", "sizeLimit")), "sharedMemory")
		}
	}
	return resources
}

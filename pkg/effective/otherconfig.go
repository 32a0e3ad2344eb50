package effective

import (
	"context"
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// otherRun is the same InferenceService under another ConfigMap.
type otherRun struct{ objects, pods []Object }

// withOtherConfig runs KServe again with every amount, image and address of the ConfigMap changed. What changes
// in the result comes from there.
func (r *run) withOtherConfig(ctx context.Context) (otherRun, error) {
	other := *r.cluster
	other.store = newStore(r.builder.scheme, r.cluster.store)
	config := r.cluster.config.DeepCopy()
	for name, text := range config.Data {
		if changed, ok := changeConfig(text); ok {
			config.Data[name] = changed
		}
	}
	if err := other.add(config); err != nil {
		return otherRun{}, err
	}
	if err := other.readConfig(); err != nil {
		return otherRun{}, err
	}
	builder := *r.builder
	builder.options.Explain = false
	result := builder.service(ctx, &other, r.result.InferenceService)
	return otherRun{result.Objects, result.Pods}, nil
}

func (o otherRun) object(data map[string]any) map[string]any {
	for _, object := range o.objects {
		if object.Data["kind"] == data["kind"] && lookup(object.Data, "metadata", "name") == lookup(data, "metadata", "name") {
			return object.Data
		}
	}
	return nil
}

func (o otherRun) pod(generateName string) map[string]any {
	for _, pod := range o.pods {
		if lookup(pod.Data, "metadata", "generateName") == generateName {
			return pod.Data
		}
	}
	return nil
}

func changeConfig(text string) (string, bool) {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return "", false
	}
	changed, err := json.Marshal(changeValue("", value))
	return string(changed), err == nil
}

// changeValue leaves alone what steers KServe instead of ending up in an object: booleans, and names that are
// looked up.
func changeValue(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for field := range v {
			v[field] = changeValue(field, v[field])
		}
	case float64:
		return v + 1
	case string:
		switch {
		case v == "":
		case strings.HasSuffix(strings.ToLower(name), "image"), strings.HasSuffix(name, "Url"):
			return v + "-other"
		case name == "ingressDomain":
			return "other." + v
		case name == "ingressClassName", name == "kserveIngressGateway", name == "s3Endpoint", name == "s3Region":
			return v + "-other"
		default:
			return changeAmount(v)
		}
	}
	return v
}

func changeAmount(text string) string {
	amount, err := resource.ParseQuantity(text)
	if err != nil {
		return text
	}
	amount.Add(resource.MustParse("1"))
	return amount.String()
}

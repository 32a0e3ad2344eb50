package k8s

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// The part of prometheus-adapter's configuration that is used (its pkg/config/config.go).
type adapterConfig struct {
	Rules []adapterRule `json:"rules"`
}

type adapterRule struct {
	SeriesQuery  string           `json:"seriesQuery"`
	Resources    adapterResources `json:"resources"`
	MetricsQuery string           `json:"metricsQuery"`
}

type adapterResources struct {
	Overrides map[string]adapterResource `json:"overrides"`
}

type adapterResource struct {
	Resource string `json:"resource"`
}

// adapterName is the ConfigMap's: what prometheus-adapter's chart is given as rules.existing.
const adapterName = "vllm-adapter-rules"

// AdapterRules are what prometheus-adapter serves of vLLM's metrics for HorizontalPodAutoscalers, in the namespace of Prometheus:
// those that the models scale by, and nothing else. Its default rules look at every series that Prometheus has.
// https://github.com/kubernetes-sigs/prometheus-adapter/blob/v0.12.0/docs/config.md
func AdapterRules(targets []spec.Target, labels map[string]string) ([]manifest.Object, error) {
	metrics := map[string]map[string]bool{} // by namespace
	for _, t := range targets {
		if !t.AdapterRules() {
			continue
		}
		if metrics[t.Monitoring.Namespace] == nil {
			metrics[t.Monitoring.Namespace] = map[string]bool{}
		}
		metrics[t.Monitoring.Namespace][t.Scaling.Metric] = true
	}
	var objects []manifest.Object
	for _, namespace := range slices.Sorted(maps.Keys(metrics)) {
		object, err := adapterRules(namespace, slices.Sorted(maps.Keys(metrics[namespace])), labels)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

func adapterRules(namespace string, metrics []string, labels map[string]string) (manifest.Object, error) {
	var config adapterConfig
	for _, metric := range metrics {
		config.Rules = append(config.Rules, ruleFor(metric))
	}
	data, err := yaml.Marshal(config)
	if err != nil {
		return manifest.Object{}, fmt.Errorf("writing the rules of prometheus-adapter: %w", err)
	}
	rules := &corev1.ConfigMap{
		TypeMeta:   typeMeta("v1", "ConfigMap"),
		ObjectMeta: metav1.ObjectMeta{Name: adapterName, Namespace: namespace, Labels: labels},
		Data:       map[string]string{"config.yaml": string(data)},
	}
	return manifest.Object{File: "configmap-" + namespace + "-" + adapterName, Typed: rules, Comments: manifest.Comments{
		Head: "What prometheus-adapter serves to HorizontalPodAutoscalers: rules.existing of its Helm chart takes this name.\nIt has to be restarted when they change.",
	}}, nil
}

// ruleFor serves a metric under its own name for the pods that have it. A pod with several engines has the sum of theirs; what
// only grows is served as what it grows in a second.
func ruleFor(metric string) adapterRule {
	series := "<<.Series>>{<<.LabelMatchers>>}"
	if strings.HasSuffix(metric, "_total") {
		series = "rate(" + series + "[2m])"
	}
	return adapterRule{
		SeriesQuery: metric + `{namespace!="",pod!=""}`,
		Resources: adapterResources{Overrides: map[string]adapterResource{
			"namespace": {Resource: "namespace"}, "pod": {Resource: "pod"},
		}},
		MetricsQuery: "sum(" + series + ") by (<<.GroupBy>>)",
	}
}

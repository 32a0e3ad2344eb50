package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// annotation lists the devices of a node that are broken, by number: "0,2".
const annotation = "mock.kservegen.dev/unhealthy"

// labelNode writes the labels that the vendor's feature discovery would.
func labelNode(ctx context.Context, client kubernetes.Interface, node string, labels map[string]string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Nodes().Patch(ctx, node, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// followHealth breaks and mends devices as the node's annotation says, until the context ends.
func followHealth(ctx context.Context, client kubernetes.Interface, node string, set func([]int)) error {
	factory := informers.NewSharedInformerFactoryWithOptions(client, time.Minute, informers.WithTweakListOptions(
		func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector("metadata.name", node).String()
		}))
	informer := factory.Core().V1().Nodes().Informer()
	follow := func(object any) {
		n, ok := object.(*corev1.Node)
		if !ok {
			return
		}
		numbers, err := parseNumbers(n.Annotations[annotation])
		if err != nil {
			fmt.Printf("gpu: annotation %s of node %s: %v; no device changes\n", annotation, node, err)
			return
		}
		set(numbers)
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: follow, UpdateFunc: func(_, object any) { follow(object) },
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	return nil
}

// parseNumbers reads a list as "0,2".
func parseNumbers(text string) ([]int, error) {
	if text == "" {
		return nil, nil
	}
	var numbers []int
	for part := range strings.SplitSeq(text, ",") {
		number, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("%q is no list of device numbers: %w", text, err)
		}
		numbers = append(numbers, number)
	}
	return numbers, nil
}

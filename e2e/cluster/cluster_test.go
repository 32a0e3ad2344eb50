package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"

	"github.com/kservegen/kservegen/e2e/cluster"
	"github.com/kservegen/kservegen/e2e/cluster/image"
)

const (
	namespace = "kservegen-e2e-network"
	serverTag = "localhost/kservegen-test-server:1"
	clientTag = "localhost/kservegen-test-client:1"
)

// TestNetwork reaches a pod by a Service's name from its own node, from another node, and from this machine by
// each node's port: what kindnet would do where its image could be had.
func TestNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("make e2e-test runs it, in the cluster that it brings up")
	}
	ctx := t.Context()
	c := up(t)
	nodes, err := c.Nodes(ctx)
	require.NoError(t, err)
	require.Len(t, nodes, 3)
	client, err := kubernetes.NewForConfig(c.Config)
	require.NoError(t, err)
	removed(t, client)
	_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, client.CoreV1().Namespaces().Delete(context.Background(), namespace, metav1.DeleteOptions{}))
	})
	service, err := client.CoreV1().Services(namespace).Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "server"},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeNodePort, Selector: map[string]string{"app": "server"},
			Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8000)}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	var workers []string
	for _, n := range nodes {
		if n.Worker {
			workers = append(workers, n.Name)
		}
	}
	require.Len(t, workers, 2)
	run(t, client, pod("server", workers[0], serverTag))
	await(t, client, "server", func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodRunning })
	for _, node := range workers {
		run(t, client, pod("client-"+node, node, clientTag,
			"curl", "--silent", "--fail", "--retry", "20", "--retry-all-errors", "--retry-delay", "1", "http://server."+namespace+"/v1/models"))
		await(t, client, "client-"+node, func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodSucceeded })
	}
	for _, n := range nodes {
		response, err := http.Get(fmt.Sprintf("http://%s:%d/v1/models", n.Address, service.Spec.Ports[0].NodePort))
		require.NoError(t, err, n.Name)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Contains(t, string(body), `"tester"`, n.Name)
	}
}

// removed wants nothing left of a run before, which may have been cut off, or whose namespace still ends.
func removed(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		err := client.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{})
		assert.True(c, apierrors.IsNotFound(err), "namespace %s is still there: %v", namespace, err)
	}, 2*time.Minute, time.Second)
}

// up needs a cluster that runs (`make e2e-up`), and gives it the images of this test.
func up(t *testing.T) *cluster.Cluster {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	var out bytes.Buffer
	suite, err := cluster.Open(root, &out)
	require.NoError(t, err)
	require.NoError(t, suite.Lock(t.Context()))
	t.Cleanup(func() { assert.NoError(t, suite.Unlock()) })
	c, err := suite.Running(t.Context())
	require.NoError(t, err)
	simulator, err := suite.Tool("llm-d-inference-sim")
	require.NoError(t, err)
	base, err := suite.Base(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.Load(t.Context(),
		image.Image{
			Name: serverTag, Files: []image.File{image.Program("/simulator", simulator), image.Dir("/tmp", 0o777, 0)},
			Config: v1.Config{Entrypoint: []string{"/simulator", "--model", "tester", "--port", "8000"}, User: "65532"},
		},
		image.Image{Name: clientTag, Base: base, Config: v1.Config{Cmd: []string{"bash"}}},
	))
	return c
}

func pod(name, node, tag string, args ...string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec: corev1.PodSpec{
			NodeName: node, RestartPolicy: corev1.RestartPolicyNever,
			Containers: []corev1.Container{{Name: "main", Image: tag, Args: args, ImagePullPolicy: corev1.PullNever}},
		},
	}
}

func run(t *testing.T, client kubernetes.Interface, p *corev1.Pod) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) { // the namespace's service account takes a moment
		_, err := client.CoreV1().Pods(namespace).Create(t.Context(), p, metav1.CreateOptions{})
		require.NoError(c, err)
	}, 10*time.Second, 200*time.Millisecond)
}

func await(t *testing.T, client kubernetes.Interface, name string, is func(*corev1.Pod) bool) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		p, err := client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(c, err)
		assert.True(c, is(p), "%s", p.Status)
	}, 40*time.Second, 300*time.Millisecond)
}

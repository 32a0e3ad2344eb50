package rollout

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kservegen/kservegen/e2e/envtest/cluster"
	"github.com/kservegen/kservegen/e2e/envtest/cluster/clustertest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/routes"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/spec"
)

var (
	virtualServices = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "virtualservices"}
	httpRoutes      = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
	leases          = schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}
	deployments     = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
)

// world is an API server, and the binary.
type world struct {
	*cluster.Cluster
	dynamic dynamic.Interface
	binary  string
}

// start brings the server up and builds the binary, for the length of the test.
func start(t *testing.T) *world {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	w := &world{binary: filepath.Join(t.TempDir(), "kservegen")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", w.binary, "./cmd/kservegen")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	w.Cluster = clustertest.Start(t, "rollout", cluster.Options{Root: root, Products: []string{"istio", "kserve", "gateway-api"}})
	w.dynamic, err = dynamic.NewForConfig(w.Config)
	require.NoError(t, err)
	return w
}

// model is one that is applied, with its document and what Prometheus has of it.
type model struct {
	*world
	namespace  string
	document   string
	dir        string
	kubeconfig string
	prometheus *prometheus
	door       *door
}

// deploy applies a document in a namespace of its own. Both revisions answer.
func (w *world) deploy(t *testing.T, namespace, document string) *model {
	t.Helper()
	m := &model{world: w, namespace: namespace, dir: t.TempDir(), prometheus: newPrometheus(t), door: newDoor(t, w.Config.Host)}
	m.document = filepath.Join(m.dir, "ship.yaml")
	require.NoError(t, os.WriteFile(m.document, []byte(strings.ReplaceAll(document, "NAMESPACE", namespace)), 0o600))
	m.kubeconfig = filepath.Join(m.dir, "kubeconfig")
	file := clientcmdapi.NewConfig()
	file.Clusters["c"] = &clientcmdapi.Cluster{Server: m.door.url(), CertificateAuthorityData: w.Config.CAData}
	file.AuthInfos["c"] = &clientcmdapi.AuthInfo{Token: w.Config.BearerToken}
	file.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "c"}
	file.CurrentContext = "c"
	require.NoError(t, clientcmd.WriteToFile(*file, m.kubeconfig))

	documents, err := spec.Load(m.document, strings.NewReader(strings.ReplaceAll(document, "NAMESPACE", namespace)))
	require.NoError(t, err)
	tree, err := render.NewGenerator().Tree(documents[0])
	require.NoError(t, err)
	_, err = w.API.Apply(t.Context(), &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace}}})
	require.NoError(t, err)
	for _, object := range tree.Environments[0].Objects {
		if kind := object["kind"]; kind == "PodMonitor" || kind == "Namespace" {
			continue
		}
		_, err := w.API.Apply(t.Context(), &unstructured.Unstructured{Object: object})
		require.NoError(t, err)
	}
	m.answering(t, "v1", 1)
	m.answering(t, "v2", 1)
	return m
}

// answering makes of a revision's Deployment what its controllers would, with some of one replica answering.
func (m *model) answering(t *testing.T, revision string, replicas int64) {
	t.Helper()
	client := m.dynamic.Resource(deployments).Namespace(m.namespace)
	name := "ship-" + revision + "-predictor"
	found, err := client.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		labels := map[string]any{"app": name}
		found, err = client.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": name},
			"spec": map[string]any{"replicas": int64(1), "selector": map[string]any{"matchLabels": labels}, "template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "c", "image": "example.com/none"}}},
			}},
		}}, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	found.Object["status"] = map[string]any{
		"observedGeneration": found.GetGeneration(), "replicas": int64(1), "readyReplicas": replicas, "availableReplicas": replicas,
	}
	_, err = client.UpdateStatus(t.Context(), found, metav1.UpdateOptions{})
	require.NoError(t, err)
}

// process is a runner at work.
type process struct {
	cmd    *exec.Cmd
	events chan runner.Event
	talk   *lockedText
	done   chan int
}

// lockedText collects what a process says.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// run starts a runner whose looks are a second apart.
func (m *model) run(t *testing.T, flags ...string) *process {
	t.Helper()
	args := append([]string{
		"canary", "run", "-f", m.document, "-d", filepath.Join(m.dir, "deploy"), "--kubeconfig", m.kubeconfig, "--prometheus", m.prometheus.URL, "--profile", "vllm", "-o", "json",
		"--interval", "1s", "--warm-up", "1s", "--step-min", "2s", "--step-max", "5m", "--ignore", "itl-mean", "--ignore", "ttft-mean",
	}, flags...)
	p := &process{cmd: exec.Command(m.binary, args...), events: make(chan runner.Event, 1000), talk: &lockedText{}, done: make(chan int, 1)}
	p.cmd.Stderr = p.talk
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	go func() {
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e runner.Event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				p.events <- e
			}
		}
		close(p.events)
		_ = p.cmd.Wait()
		p.done <- p.cmd.ProcessState.ExitCode()
	}()
	return p
}

// until reads events up to the first of a kind.
func (p *process) until(t *testing.T, kinds ...runner.Kind) runner.Event {
	t.Helper()
	late := time.After(2 * time.Minute)
	for {
		select {
		case e, more := <-p.events:
			require.True(t, more, "it ended before %v:\n%s", kinds, p.talk)
			for _, kind := range kinds {
				if e.Kind == kind {
					return e
				}
			}
		case <-late:
			require.Failf(t, "too late", "no %v:\n%s", kinds, p.talk)
		}
	}
}

// ends waits for the end.
func (p *process) ends(t *testing.T) int {
	t.Helper()
	for range p.events { //nolint:revive // what is left
	}
	select {
	case code := <-p.done:
		return code
	case <-time.After(2 * time.Minute):
		require.Failf(t, "too late", "it does not end:\n%s", p.talk)
		return -1
	}
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	p.ends(t)
}

// get reads a route.
func (m *model) get(t *testing.T, kind schema.GroupVersionResource, name string) *unstructured.Unstructured {
	t.Helper()
	found, err := m.dynamic.Resource(kind).Namespace(m.namespace).Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	return found
}

// door is the way to the API server, which can be shut.
type door struct {
	t        *testing.T
	to       string
	address  string
	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
}

func newDoor(t *testing.T, host string) *door {
	t.Helper()
	d := &door{t: t, to: strings.TrimPrefix(host, "https://"), address: "127.0.0.1:0"}
	d.unlock()
	t.Cleanup(d.shut)
	return d
}

func (d *door) url() string { return "https://" + d.address }

// unlock lets connections through, at the same address as before.
func (d *door) unlock() {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", d.address)
	require.NoError(d.t, err)
	d.mu.Lock()
	d.listener, d.address = listener, listener.Addr().String()
	d.mu.Unlock()
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", d.to)
			if err != nil {
				in.Close()
				continue
			}
			d.mu.Lock()
			d.open = append(d.open, in, out)
			d.mu.Unlock()
			go func() { _, _ = io.Copy(out, in); out.Close() }()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
		}
	}()
}

// shut ends all connections and lets no new ones through.
func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listener.Close()
	for _, connection := range d.open {
		connection.Close()
	}
	d.open = nil
}

// asLeastPrivileged lets the runner work by a user who may do what routes.Rules says, and nothing else.
func (m *model) asLeastPrivileged(t *testing.T) {
	t.Helper()
	documents, err := spec.Load(m.document, strings.NewReader(strings.ReplaceAll(document, "NAMESPACE", m.namespace)))
	require.NoError(t, err)
	var rules []any
	texts := func(list []string) []any {
		found := []any{}
		for _, text := range list {
			found = append(found, text)
		}
		return found
	}
	for _, rule := range routes.Rules(documents[0].Environments[0]) {
		one := map[string]any{"apiGroups": []any{rule.Group}, "resources": []any{rule.Resource}, "verbs": texts(rule.Verbs)}
		if len(rule.Names) > 0 {
			one["resourceNames"] = texts(rule.Names)
		}
		rules = append(rules, one)
	}
	const user = "runner"
	metadata := map[string]any{"name": user, "namespace": m.namespace}
	for _, object := range []map[string]any{
		{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": rules},
		{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
			"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
			"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}},
		},
	} {
		_, err := m.API.Apply(t.Context(), &unstructured.Unstructured{Object: object})
		require.NoError(t, err)
	}
	file, err := clientcmd.LoadFromFile(m.kubeconfig)
	require.NoError(t, err)
	file.AuthInfos["c"].Impersonate = user
	require.NoError(t, clientcmd.WriteToFile(*file, m.kubeconfig))
}

package cases

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/install"
)

// mtls: nobody speaks plaintext to a model's pod, and who speaks has an identity.
func mtls() Case {
	return Case{Name: "mtls", Checks: []Check{
		{Name: "plaintext", Run: refusesPlaintext},
		{Name: "caller", Run: answersCaller},
		{Name: "identity", Run: seesIdentity},
	}}
}

// permissive lets plaintext in beside mTLS, as a migration does that was never finished.
func permissive(ctx context.Context, e *Env) error {
	if err := e.letPlaintextIn(ctx); err != nil {
		return err
	}
	// Nothing tells from outside when every pod has it, but the answer that must not be.
	return untilViolated(ctx, e, "a pod to answer plaintext", serverRefuses)
}

// callersWithoutTLS has the callers' own sidecars send plaintext: a rule in the client's namespace goes before the
// model's.
func callersWithoutTLS(ctx context.Context, e *Env) error {
	if err := e.sendPlaintext(ctx); err != nil {
		return err
	}
	return untilViolated(ctx, e, "a caller to be refused", answersCaller)
}

// withoutTLS does both, and lets in whom nobody knows: all is answered, and nothing is safe on the wire.
func withoutTLS(ctx context.Context, e *Env) error {
	if err := errors.Join(e.letPlaintextIn(ctx), e.letIn(ctx)); err != nil {
		return err
	}
	if err := untilViolated(ctx, e, "a pod to answer plaintext", serverRefuses); err != nil {
		return err
	}
	if err := e.sendPlaintext(ctx); err != nil {
		return err
	}
	return untilViolated(ctx, e, "a call without an identity", seesIdentity)
}

// sendPlaintext adds a DestinationRule to the first caller's namespace.
func (e *Env) sendPlaintext(ctx context.Context) error {
	client, _, err := e.caller()
	if err != nil {
		return err
	}
	namespace, _, _ := strings.Cut(client, "/")
	return e.Kubectl.Apply(ctx, map[string]any{
		"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
		"metadata": map[string]any{"name": "plaintext", "namespace": namespace, "labels": map[string]any{mistakeLabel: "plaintext"}},
		"spec": map[string]any{
			"host":          "*." + e.Tree.Namespace() + ".svc.cluster.local",
			"trafficPolicy": map[string]any{"tls": map[string]any{"mode": "DISABLE"}},
		},
	})
}

// letPlaintextIn turns the tree's PeerAuthentications to PERMISSIVE.
func (e *Env) letPlaintextIn(ctx context.Context) error {
	if !e.has("PeerAuthentication") {
		return lacks("no PeerAuthentication")
	}
	for _, object := range e.objects("PeerAuthentication") {
		name := object["metadata"].(map[string]any)["name"].(string)
		if _, err := e.Kubectl.Run(ctx, "-n", e.Tree.Namespace(), "patch", "peerauthentication", name, "--type=merge",
			"-p", `{"spec":{"mtls":{"mode":"PERMISSIVE"}}}`); err != nil {
			return err
		}
	}
	return nil
}

// sidecarPorts are the sidecar's own, which speak plaintext by design: health, merged metrics and Envoy's
// (Istio's "Ports used by sidecar"). They serve nothing of the model's API.
func sidecarPorts() []int32 { return []int32{15020, 15021, 15090} }

// curl runs one in a client's pod. Its code is 000 where there was no answer; the rest is curl's own word.
func (e *Env) curl(ctx context.Context, client string, args ...string) (code int, out string, err error) {
	namespace, pod, _ := strings.Cut(client, "/")
	command := append([]string{"-n", namespace, "exec", pod, "-c", "client", "--", "curl", "-sS", "-o", "/dev/null", "--connect-timeout", "3", "--max-time", "10", "-w", "%{http_code}"}, args...)
	out, err = e.Kubectl.Run(ctx, command...)
	code, parseErr := strconv.Atoi(strings.TrimSpace(out))
	if parseErr != nil {
		return 0, out, errors.Join(err, fmt.Errorf("curl in %s said %q", client, out))
	}
	if err != nil {
		out = err.Error()
	}
	return code, out, nil
}

// plainClient is a pod without a sidecar where requests come in: there the tree's NetworkPolicy lets packets in, so
// that nothing but mTLS keeps it out.
func (e *Env) plainClient() string { return e.Entrance.Namespace + "/" + install.Uninjected }

// refusesPlaintext speaks HTTP to every port that a container of the model's pods listens at, with the network open:
// what the NetworkPolicies drop says nothing about mTLS.
func refusesPlaintext(ctx context.Context, e *Env) (err error) {
	if !e.has("PeerAuthentication") {
		return lacks("no PeerAuthentication")
	}
	// Applied alone, they come back without anything else being mended that a test broke.
	defer func() { err = errors.Join(err, e.Kubectl.Apply(ctx, e.objects("NetworkPolicy")...)) }()
	if err := e.deletePolicies(ctx); err != nil {
		return err
	}
	found, err := e.modelPods(ctx, "")
	if err != nil {
		return err
	}
	var errs []error
	tried := 0
	for _, pod := range found {
		ports, err := e.listening(ctx, pod)
		if err != nil {
			return err
		}
		for _, port := range ports {
			if !slices.Contains(sidecarPorts(), port) {
				tried++
				errs = append(errs, e.refuses(ctx, pod, port))
			}
		}
	}
	if tried == 0 {
		return errors.New("no port was tried")
	}
	e.Figure("plaintext to %d ports of %d pods, the sidecar's own %v left out", tried, len(found), sidecarPorts())
	return errors.Join(errs...)
}

// serverRefuses is the same for the server's own port alone.
func serverRefuses(ctx context.Context, e *Env) error {
	found, err := e.modelPods(ctx, "")
	if err != nil {
		return err
	}
	errs := make([]error, len(found))
	for i, pod := range found {
		errs[i] = e.refuses(ctx, pod, 8080)
	}
	return errors.Join(errs...)
}

// refuses wants the connection to be refused or reset, not answered and not lost on the way.
func (e *Env) refuses(ctx context.Context, pod corev1.Pod, port int32) error {
	code, out, err := e.curl(ctx, e.plainClient(), fmt.Sprintf("http://%s:%d/v1/models", pod.Status.PodIP, port))
	switch {
	case err != nil:
		return err
	case code != 0:
		return violated("pod %s answered plaintext on port %d with %d", pod.Name, port, code)
	case !strings.Contains(out, "reset") && !strings.Contains(out, "refused") && !strings.Contains(out, "Empty reply"):
		return fmt.Errorf("pod %s, port %d: not refused, but %s", pod.Name, port, out)
	}
	return nil
}

// listening are the TCP ports at which anything in the pod's network listens beyond loopback.
func (e *Env) listening(ctx context.Context, pod corev1.Pod) ([]int32, error) {
	out, err := e.Kubectl.Run(ctx, "-n", pod.Namespace, "exec", pod.Name, "-c", "istio-proxy", "--", "ss", "-Hltn")
	if err != nil {
		return nil, err
	}
	var ports []int32
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 4 {
			continue
		}
		at := strings.LastIndex(fields[3], ":")
		if address := fields[3][:at]; strings.HasPrefix(address, "127.") || address == "[::1]" {
			continue
		}
		port, err := strconv.ParseInt(fields[3][at+1:], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("pod %s: %q: %w", pod.Name, line, err)
		}
		if !slices.Contains(ports, int32(port)) {
			ports = append(ports, int32(port))
		}
	}
	slices.Sort(ports)
	return ports, nil
}

// caller is the first workload that the tree lets in by name, and the address that it uses.
func (e *Env) caller() (client, url string, err error) {
	callers := e.Tree.Needs().Callers
	if len(callers) == 0 || e.Tree.Inside() == "" {
		return "", "", lacks("no caller inside the mesh")
	}
	return callers[0], "http://" + e.Tree.Inside(), nil
}

// answersCaller is the other half: a workload with a sidecar is answered.
func answersCaller(ctx context.Context, e *Env) error {
	client, url, err := e.caller()
	if err != nil {
		return err
	}
	code, out, err := e.curl(ctx, client, url+"/v1/models")
	if err == nil && code != 200 {
		return violated("%s got %d: %s", client, code, out)
	}
	return err
}

// seesIdentity reads in the access log of the model's sidecars who called over what.
func seesIdentity(ctx context.Context, e *Env) error {
	client, url, err := e.caller()
	if err != nil {
		return err
	}
	mark := "/v1/models?identity=" + randomWord()
	if code, out, err := e.curl(ctx, client, url+mark); err != nil || code != 200 {
		return errors.Join(err, fmt.Errorf("%s got %d: %s", client, code, out))
	}
	namespace, account, _ := strings.Cut(client, "/")
	want := regexp.MustCompile(`peer=spiffe://cluster\.local/ns/` + namespace + `/sa/` + account + ` local=spiffe://\S+ tls=TLSv1\.[23]`)
	seen := ""
	if err := eventually(ctx, "the call in an access log", func(ctx context.Context) error {
		out, err := e.Kubectl.Run(ctx, "-n", e.Tree.Namespace(), "logs", "-l", "serving.kserve.io/inferenceservice", "-c", "istio-proxy", "--tail=200")
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			if strings.Contains(line, mark) {
				seen = line
				return nil
			}
		}
		return errors.New("no sidecar of the model has logged it")
	}); err != nil {
		return err
	}
	if !want.MatchString(seen) {
		return violated("the model's sidecar saw %s", seen)
	}
	e.Figure("%s", want.FindString(seen))
	return nil
}

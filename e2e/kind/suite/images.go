package suite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/constants"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/e2e/cluster/image"
	"github.com/kservegen/kservegen/e2e/kind/install"
)

// kserveModule is the one whose version is that of KServe's images.
const kserveModule = "github.com/kserve/kserve"

// fixedImages are of pinned programs: the nodes have them from the start.
func (s *Suite) fixedImages(ctx context.Context) ([]image.Image, error) {
	paths := map[string]string{}
	for _, name := range []string{"pilot-discovery", "pilot-agent", "envoy", "kserve-manager"} {
		path, err := s.tools.Tool(name)
		if err != nil {
			return nil, err
		}
		paths[name] = path
	}
	base, err := s.tools.Base(ctx)
	if err != nil {
		return nil, err
	}
	istio, err := s.tools.Module(ctx, "istio", "istio.io/istio")
	if err != nil {
		return nil, err
	}
	kserve, err := s.tools.Module(ctx, "kserve", kserveModule)
	if err != nil {
		return nil, err
	}
	return []image.Image{
		{
			Name: install.Registry + "/pilot:" + install.Tag,
			Files: []image.File{
				image.Program("/usr/local/bin/pilot-discovery", paths["pilot-discovery"]),
				image.Dir("/tmp", 0o1777, 0), image.Dir("/var/lib/istio", 0o755, 1337),
			},
			Config: v1.Config{Entrypoint: []string{"/usr/local/bin/pilot-discovery"}, User: "1337:1337"},
		},
		{
			// The upstream Envoy with the agent and the bootstrap of Istio's own image (its
			// pilot/docker/Dockerfile.proxyv2).
			Name: install.Registry + "/proxyv2:" + install.Tag, Base: base,
			Files: []image.File{
				image.Program("/usr/local/bin/pilot-agent", paths["pilot-agent"]),
				image.Program("/usr/local/bin/envoy", paths["envoy"]),
				{Path: "/var/lib/istio/envoy/envoy_bootstrap_tmpl.json", Source: filepath.Join(istio.Dir, "tools", "packaging", "common", "envoy_bootstrap.json")},
			},
			Config: v1.Config{Entrypoint: []string{"/usr/local/bin/pilot-agent"}},
		},
		{
			Name:   "docker.io/kserve/kserve-controller:" + kserve.Version,
			Files:  []image.File{image.Program("/manager", paths["kserve-manager"]), image.Dir("/tmp", 0o1777, 0)},
			Config: v1.Config{Entrypoint: []string{"/manager"}, User: "1000:1000"},
		},
		{
			Name: install.ClientImage, Base: base,
			Files:  []image.File{image.Dir("/tmp", 0o1777, 0)},
			Config: v1.Config{Cmd: []string{"sleep", "infinity"}},
		},
	}, nil
}

// mockImages are built anew for each run, under the names that the tree and KServe use.
func (s *Suite) mockImages(ctx context.Context) ([]image.Image, error) {
	programs := map[string]string{}
	for _, name := range []string{"gpu", "vllm", "storage-initializer", "forward"} {
		path, err := s.tools.Program(ctx, filepath.Join("e2e", "mock"), "./"+name)
		if err != nil {
			return nil, err
		}
		programs[name] = path
	}
	simulator, err := s.tools.Tool("llm-d-inference-sim")
	if err != nil {
		return nil, err
	}
	kserve, err := s.tools.Module(ctx, "kserve", kserveModule)
	if err != nil {
		return nil, err
	}
	own, err := simulatorImage(s.Root)
	if err != nil {
		return nil, err
	}
	servers := append(s.tree.Needs().Images, own)
	slices.Sort(servers)
	servers = slices.Compact(servers)
	for i := range servers {
		servers[i] = qualified(servers[i])
	}
	page, err := s.pageImages(ctx)
	if err != nil {
		return nil, err
	}
	return append(page, []image.Image{
		{
			Name: install.DeviceImage, Files: []image.File{image.Program("/gpu", programs["gpu"])},
			Config: v1.Config{Entrypoint: []string{"/gpu"}},
		},
		{
			Name: install.ForwardImage, Files: []image.File{image.Program("/forward", programs["forward"])},
			Config: v1.Config{Entrypoint: []string{"/forward"}, User: "65532:65532"},
		},
		{
			Name:   "docker.io/kserve/storage-initializer:" + kserve.Version,
			Files:  []image.File{image.Program("/storage-initializer", programs["storage-initializer"])},
			Config: v1.Config{Entrypoint: []string{"/storage-initializer"}, User: "1000:1000"},
		},
		{
			Name: servers[0], Aliases: servers[1:],
			Files: []image.File{
				image.Program("/usr/local/bin/vllm", programs["vllm"]), image.Program("/app/llm-d-inference-sim", simulator),
				image.Dir("/tmp", 0o1777, 0),
			},
			Config: v1.Config{Entrypoint: []string{"/usr/local/bin/vllm", "serve"}},
		},
	}...), nil
}

// pageImages is the image of kservegen as the Containerfile makes it, where the tree has a chat's page, under the name that it uses.
func (s *Suite) pageImages(ctx context.Context) ([]image.Image, error) {
	name := s.tree.Needs().Page
	if name == "" {
		return nil, nil
	}
	if err := s.program(ctx); err != nil {
		return nil, err
	}
	// where Debian has the certificates of public servers
	const certificates = "/etc/ssl/certs/ca-certificates.crt"
	return []image.Image{{
		Name:   qualified(name),
		Files:  []image.File{image.Program("/usr/local/bin/kservegen", s.kservegen), {Path: certificates, Source: certificates}},
		Config: v1.Config{Entrypoint: []string{"/usr/local/bin/kservegen"}, User: "65532:65532"},
	}}, nil
}

// program builds kservegen, unless it is there.
func (s *Suite) program(ctx context.Context) (err error) {
	if s.kservegen == "" {
		s.kservegen, err = s.tools.Program(ctx, ".", "./cmd/kservegen")
	}
	return err
}

// simulatorImage is that of the catalogue's runtime simulator, which the cases' own documents use.
func simulatorImage(root string) (string, error) {
	path := filepath.Join(root, "runtimes", "simulator", "servingruntime.yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var runtime v1alpha1.ServingRuntime
	if err := yaml.Unmarshal(content, &runtime); err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	for _, c := range runtime.Spec.Containers {
		if c.Name == constants.InferenceServiceContainerName {
			return c.Image, nil
		}
	}
	return "", fmt.Errorf("%s has no container %s", path, constants.InferenceServiceContainerName)
}

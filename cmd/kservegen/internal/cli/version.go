package cli

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/kserve"
)

// release is the version of kservegen itself, until a tag is built.
const release = "v0.1.0-dev"

// versions are what a tree is made for.
type versions struct {
	Kservegen  string `json:"kservegen"`
	Go         string `json:"go"`
	KServe     string `json:"kserve"`
	Istio      string `json:"istio"`
	Kubernetes string `json:"kubernetes"`
	Kustomize  string `json:"kustomize"`
	VLLM       string `json:"vllm"`
	Simulator  string `json:"simulator"`
}

func newVersion(s Streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version, and those of KServe, Istio, Kubernetes and vLLM that trees are made for",
		Example: "  kservegen version\n  kservegen version -o json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v, err := currentVersions()
			if err != nil {
				return err
			}
			switch output {
			case "json":
				encoder := json.NewEncoder(s.Out)
				encoder.SetIndent("", "  ")
				return encoder.Encode(v)
			case "text":
				return printVersions(s, v)
			}
			return usagef("-o %s is unknown; text or json", output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// currentVersions reads the modules that the binary was built from and the images of the catalogue, so that no
// number is written down twice.
func currentVersions() (versions, error) {
	v := versions{Kservegen: release}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v, fmt.Errorf("reading the build information of this binary: it has none")
	}
	v.Go = info.GoVersion
	modules := map[string]string{}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = &debug.Module{Path: module.Path, Version: module.Replace.Version}
		}
		modules[module.Path] = module.Version
	}
	v.KServe = modules["github.com/kserve/kserve"]
	v.Istio = modules["istio.io/client-go"]
	v.Kubernetes = strings.Replace(modules["k8s.io/api"], "v0.", "v1.", 1)
	v.Kustomize = "api " + modules["sigs.k8s.io/kustomize/api"]
	builder := kserve.NewBuilder()
	var err error
	if v.VLLM, err = builder.Pinned("vllm-cuda"); err != nil {
		return v, err
	}
	v.Simulator, err = builder.Pinned("simulator")
	return v, err
}

func printVersions(s Streams, v versions) error {
	table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"kservegen", v.Kservegen}, {"go", v.Go}, {"KServe", v.KServe}, {"Istio", v.Istio},
		{"Kubernetes", v.Kubernetes + " (types)"}, {"Kustomize", v.Kustomize}, {"vLLM", v.VLLM}, {"simulator", v.Simulator},
	} {
		fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
	}
	return table.Flush()
}

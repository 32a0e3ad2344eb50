package cluster

import (
	"fmt"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Formats that a cluster can be written in.
const (
	FormatEksctl    = "eksctl"
	FormatTerraform = "terraform"
)

// Formats lists them, the default first.
func Formats() []string { return []string{FormatEksctl, FormatTerraform} }

// The names of the files.
const (
	eksctlFile    = "cluster.yaml"
	networkFile   = "network.json"
	terraformFile = "cluster.tf.json"
)

// File is one of those that a cluster is made of.
type File struct {
	Name string
	Data []byte
}

// Files writes a cluster in one of the formats: for eksctl its ClusterConfig, and the template of CloudFormation for what eksctl
// doesn't make; for Terraform one file in its JSON syntax. The same cluster gives the same bytes.
func Files(format string, c spec.Cluster) ([]File, error) {
	n := needsOf(c)
	switch format {
	case FormatEksctl:
		config, comments := n.eksctl()
		data, err := manifest.FromTyped(config)
		if err != nil {
			return nil, err
		}
		text, err := manifest.MarshalCommented(data, comments)
		if err != nil {
			return nil, err
		}
		template, err := manifest.IndentedJSON(n.cloudFormation())
		return []File{{eksctlFile, text}, {networkFile, template}}, err
	case FormatTerraform:
		text, err := manifest.IndentedJSON(n.terraform())
		return []File{{terraformFile, text}}, err
	}
	return nil, fmt.Errorf("there is no format %q", format)
}

package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/dryrun"
	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/lint/rule"
	"github.com/kservegen/kservegen/pkg/schema"
	"github.com/kservegen/kservegen/pkg/validate"
)

// checkOptions choose what validate checks, and against which versions.
type checkOptions struct {
	releases  map[string]*string
	effective bool
	server    bool
	context   string
}

func (o *checkOptions) register(cmd *cobra.Command) {
	o.releases = map[string]*string{}
	flags := cmd.Flags()
	products, _ := schema.Products() // what is wrong with the index is said when it is used
	for _, product := range products {
		flag := product.Name + "-version"
		o.releases[product.Name] = flags.String(flag, "", "release whose schemas and rules hold: "+strings.Join(product.Releases, ", "))
		complete(cmd, flag, product.Releases)
	}
	flags.BoolVar(&o.server, "server", false, "also ask the current cluster, by a server-side apply that is not carried out")
	flags.StringVar(&o.context, "context", "", "context of the kubeconfig for --server; default: the current one")
	flags.BoolVar(&o.effective, "effective", true, "also judge what KServe's own code makes of InferenceServices; that of "+kserveCode+", so not with another --kserve-version")
}

// kserveCode is the release whose own code runs in memory; it says nothing of others.
const kserveCode = "0.20"

// checks returns what judges, and the codes that do not hold for the versions.
func (o *checkOptions) checks() ([]validate.Check, []string, error) {
	judge, dormant, err := o.judge()
	if err != nil || !o.server {
		return []validate.Check{judge}, dormant, err
	}
	cluster, err := dryrun.Current(o.context)
	if err != nil {
		return nil, nil, err
	}
	return []validate.Check{judge, validate.Server{Cluster: cluster}}, dormant, nil
}

func (o *checkOptions) judge() (validate.Check, []string, error) {
	options := validate.JudgeOptions{
		Releases: schema.Versions{}, Versions: lint.Versions{}, WithoutEffective: !o.effective,
	}
	for product, given := range o.releases {
		release := strings.TrimPrefix(*given, "v") // as its tag is written
		if release == "" {
			continue
		}
		options.Releases[product] = release
		if product == "kserve" && release != kserveCode {
			options.WithoutEffective = true
		}
		at := slices.IndexFunc([]rule.Product{rule.KServe, rule.Istio, rule.Kubernetes}, func(p rule.Product) bool {
			return strings.EqualFold(string(p), product)
		})
		if at < 0 {
			continue
		}
		version, err := rule.ParseVersion(release)
		if err != nil {
			return nil, nil, usagef("--%s-version %w", product, err)
		}
		options.Versions[[]rule.Product{rule.KServe, rule.Istio, rule.Kubernetes}[at]] = version
	}
	effective.DiscardLogs()
	judge, err := validate.NewJudge(options)
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("choosing what to check against: %w", err)}
	}
	return judge, lint.Dormant(options.Versions), nil
}

// rules are all that explain knows, in the order of the codes.
func rules() []finding.Rule { return validate.Rules() }

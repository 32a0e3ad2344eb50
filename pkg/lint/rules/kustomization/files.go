package kustomization

import (
	"regexp"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

var remote = regexp.MustCompile(`^(https?://|ssh://|git://|git@|git::|github\.com[/:]|gitlab\.com[/:]|bitbucket\.org[/:])|[?&]ref=|//.*\?`)

func remoteBase() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0901", Name: "remote-base", Level: finding.Warning,
			Summary: "A kustomization is built of files of its own repository.",
			Why: "A remote base is fetched with each build: it takes seconds, needs the network and credentials, gives something else when a branch moves, " +
				"and Flux refuses it where --no-remote-bases is set.",
			How:   "Copy the base into the repository, or make it a source of its own (GitRepository, OCIRepository).",
			Refs:  []string{"flux: kustomize-controller, --no-remote-bases"},
			Kinds: []rule.Kind{rule.Kustomization},
		},
		Check: func(c *rule.Context) {
			for _, file := range c.Objects(rule.Kustomization) {
				paths(file, func(path rule.Value) {
					if remote.MatchString(path.Text()) {
						c.Report(path, "%q is fetched with every build", path.Text())
					}
				})
			}
		},
	}
}

func absolutePath() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0911", Name: "absolute-path", Level: finding.Error,
			Summary: "Paths in a kustomization are relative.",
			Why:     "Kustomize refuses absolute paths to resources and components, and Flux looks inside of the repository only.",
			How:     "Write the path from the kustomization's folder.",
			Refs:    []string{"kustomize: api/loader (restrictions)"},
			Kinds:   []rule.Kind{rule.Kustomization},
		},
		Check: func(c *rule.Context) {
			for _, file := range c.Objects(rule.Kustomization) {
				paths(file, func(path rule.Value) {
					if strings.HasPrefix(path.Text(), "/") {
						c.Report(path, "%q is there on one machine only", path.Text())
					}
				})
			}
		},
	}
}

func renamed() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0902", Name: "prefix-breaks-hosts", Level: finding.Error,
			Summary: "A tree with routes has no namePrefix and no nameSuffix.",
			Why: "Kustomize renames the InferenceService and the VirtualService, and not the hosts, scale targets and policies that hold <name>-predictor: " +
				"no name reference can express that. The routes then lead nowhere.",
			How:   "Write the names out, one overlay per name.",
			Refs:  []string{"kustomize: api/internal/konfig/builtinpluginconsts/namereference.go"},
			Kinds: []rule.Kind{rule.Kustomization, rule.InferenceService},
		},
		Check: func(c *rule.Context) {
			if len(c.Objects(rule.InferenceService)) == 0 {
				return
			}
			for _, file := range c.Objects(rule.Kustomization) {
				for _, field := range []string{"namePrefix", "nameSuffix"} {
					if value := file.Field(field); value.Text() != "" {
						c.Report(value, "%s renames InferenceServices, and not the hosts made of their names", field)
					}
				}
			}
		},
	}
}

func ownSchema() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0903", Name: "own-schema", Level: finding.Error,
			Summary: "A kustomization has no openapi.path.",
			Why: "With it kustomize forgets its built-in schema, so patches of Deployments replace their lists of containers; Flux keeps it. " +
				"The same tree then builds to different objects. In one process the schema leaks into later builds.",
			How:   "Patch custom resources by JSON6902 with test operations.",
			Refs:  []string{"kustomize#4613", "kustomize#2825"},
			Kinds: []rule.Kind{rule.Kustomization},
		},
		Check: func(c *rule.Context) {
			for _, file := range c.Objects(rule.Kustomization) {
				if path := file.Field("openapi", "path"); path.Found() {
					c.Report(path, "kustomize and Flux build different objects with a schema of one's own")
				}
			}
		},
	}
}

func openOrder() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0904", Name: "order-left-open", Level: finding.Info,
			Summary: "A kustomization says the order of what it builds.",
			Why: "Without sortOptions each program has its own default: kustomize keeps the order of the files, kubectl and Flux sort by kind. " +
				"The objects are the same, their order and so every diff isn't.",
			How:   "Set sortOptions.order to fifo.",
			Refs:  []string{"kustomize: api/types/sortoptions.go"},
			Kinds: []rule.Kind{rule.Kustomization},
		},
		Check: func(c *rule.Context) {
			for _, file := range c.Objects(rule.Kustomization) {
				if !file.Field("sortOptions", "order").Found() {
					c.Report(file.Value, "kustomize, kubectl and Flux order its objects each in their own way")
				}
			}
		},
	}
}

func plugins() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0905", Name: "plugin-needed", Level: finding.Warning,
			Summary: "A kustomization needs no charts, functions and plugins.",
			Why: "helmCharts works with --enable-helm and a helm binary only, exec and container functions with flags of the alpha kind. kubectl and Flux run none of them, only what is built into Kustomize (apiVersion: builtin): " +
				"the tree builds on one machine and fails in the cluster.",
			How:   "Render the chart into files, or use Flux's HelmRelease.",
			Refs:  []string{"flux: docs/components/kustomize/kustomizations", "kustomize: api/internal/plugins/loader/loader.go (isBuiltinPlugin)"},
			Kinds: []rule.Kind{rule.Kustomization},
		},
		Check: func(c *rule.Context) {
			for _, file := range c.Objects(rule.Kustomization) {
				for _, field := range []string{"helmCharts", "helmChartInflationGenerator"} {
					if list := file.Field(field); list.Len() > 0 {
						c.Report(list, "kubectl and Flux don't build %s", field)
					}
				}
				for _, field := range []string{"generators", "transformers", "validators"} {
					reportPrograms(c, file.Field(field))
				}
			}
		},
	}
}

func reportPrograms(c *rule.Context, plugins rule.Value) {
	for plugin := range plugins.Items() {
		if needsProgram(plugin.Text()) {
			c.Report(plugin, "kubectl and Flux don't run functions and plugins")
		}
	}
}

// needsProgram judges the text of a plugin. Those of apiVersion builtin are parts of Kustomize, in every client, but for
// the one that runs helm. What a path names is built here as kubectl and Flux do, without programs, and told where it
// cannot be.
func needsProgram(text string) bool {
	if !strings.Contains(text, "\n") {
		return false
	}
	return !strings.Contains(text, "apiVersion: builtin") || strings.Contains(text, "kind: HelmChartInflationGenerator")
}

func deprecatedField() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0910", Name: "deprecated-field", Level: finding.Info,
			Summary: "A kustomization uses today's fields.",
			Why:     "bases, patchesStrategicMerge, patchesJson6902, vars, imageTags and commonLabels are deprecated and leave with the next version of the API; kustomize warns with each build.",
			How:     "Run kustomize edit fix, or write resources, patches, replacements, images and labels.",
			Refs:    []string{"kustomize: api/types/kustomization.go"},
			Kinds:   []rule.Kind{rule.Kustomization},
		},
		Check: func(c *rule.Context) {
			for _, file := range c.Objects(rule.Kustomization) {
				for _, field := range []string{"bases", "commonLabels", "imageTags", "patchesJson6902", "patchesStrategicMerge", "vars"} {
					if value := file.Field(field); value.Found() {
						c.Report(value, "%s is deprecated", field)
					}
				}
			}
		},
	}
}

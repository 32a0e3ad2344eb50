package kustomization

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func selectorLabels() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0907", Name: "labels-miss-selectors", Level: finding.Warning,
			Summary: "Labels that Kustomize writes into selectors don't reach custom resources.",
			Why: "commonLabels, and labels with includeSelectors, change the selectors of built-in kinds and no others. A Service then selects by a label that KServe's pods don't have, " +
				"since spec.predictor.labels isn't written either; policies of Istio keep selecting without it.",
			How:   "Use labels without includeSelectors.",
			Refs:  []string{"kustomize: api/internal/konfig/builtinpluginconsts/commonlabels.go"},
			Kinds: []rule.Kind{rule.Kustomization, rule.InferenceService},
		},
		Check: func(c *rule.Context) {
			if len(c.Objects(rule.InferenceService)) == 0 {
				return
			}
			for _, file := range c.Objects(rule.Kustomization) {
				if labels := file.Field("commonLabels"); labels.Len() > 0 {
					c.Report(labels, "commonLabels change the selectors of Services, and not the labels of KServe's pods")
				}
				for entry := range file.Field("labels").Items() {
					if include := entry.Field("includeSelectors"); include.Is(true) {
						c.Report(include, "includeSelectors changes the selectors of Services, and not the labels of KServe's pods")
					}
				}
			}
		},
	}
}

func imageOfModel() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0908", Name: "image-not-replaced", Level: finding.Warning,
			Summary: "images doesn't reach the image of spec.predictor.model.",
			Why: "Kustomize replaces images in lists named containers and initContainers, so in a ServingRuntime. A model's image isn't in one: " +
				"the new tag is written nowhere, and nothing says so.",
			How:   "Set the image in the ServingRuntime, or patch spec/predictor/model/image.",
			Refs:  []string{"kustomize: api/internal/konfig/builtinpluginconsts/images.go"},
			Kinds: []rule.Kind{rule.Kustomization, rule.InferenceService},
		},
		Check: func(c *rule.Context) {
			for _, file := range c.Objects(rule.Kustomization) {
				for entry := range file.Field("images").Items() {
					for _, service := range c.Objects(rule.InferenceService) {
						name, _ := rule.SplitImage(service.Field("spec", "predictor", "model", "image").Text())
						if at := entry.Field("name"); name != "" && name == at.Text() {
							c.Report(at, "%s is the image of the model of %s, which isn't replaced", name, service)
						}
					}
				}
			}
		},
	}
}

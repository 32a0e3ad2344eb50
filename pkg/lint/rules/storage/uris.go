package storage

import (
	"regexp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func twoSources() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0601", Name: "several-sources", Level: finding.Error,
			Summary: "A model has one way to be loaded: storageUri, storageUris or storage.path.",
			Why: "The webhook refuses storageUri together with storageUris. storageUri together with storage is accepted, and reconciling stops with " +
				"\"must provide only one of storageUri and storage.path\".",
			How:   "Keep one of them.",
			Refs:  []string{"kserve: pkg/apis/serving/v1beta1/inference_service_validation.go (validateMultipleStorageURIs)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				uri := p.Model.Field("storageUri")
				if uri.Found() && p.Spec.Field("storageUris").Found() {
					c.Report(p.Spec.Field("storageUris"), "the model has a storageUri as well")
				}
				if uri.Found() && p.Model.Field("storage").Found() {
					c.Report(p.Model.Field("storage"), "the model has a storageUri as well")
				}
			}
		},
	}
}

// scheme matches as ValidateStorageURI does, except that it begins at the beginning.
var scheme = regexp.MustCompile(`^(\w[\w+.-]*)://`)

func unsupportedScheme() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0602", Name: "unsupported-scheme", Level: finding.Error,
			Summary: "KServe can load a model from its storageUri.",
			Why: "KServe checks the scheme only when it reconciles: an unknown one leaves the InferenceService without pods. " +
				"A ClusterStorageContainer may add schemes; those of the set count.",
			How:   "Use gs, s3, pvc, file, http, https, hdfs, webhdfs, oci or hf, or add a ClusterStorageContainer for the scheme.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (SupportedStorageURIPrefixList)"},
			Kinds: rule.PredictorKinds(rule.ClusterStorageContainer),
		},
		Check: func(c *rule.Context) {
			known := []string{"gs", "s3", "pvc", "file", "https", "http", "hdfs", "webhdfs", "oci", "hf"}
			if !c.Versions[rule.KServe].Before(rule.Version{Minor: 20}) {
				known = append(known, "oci+native")
			}
			for _, p := range c.Predictors() {
				for _, uri := range p.StorageURIs() {
					match := scheme.FindStringSubmatch(uri.Text())
					// What has no scheme is a local path.
					if match != nil && !slices.Contains(known, match[1]) && !added(c, uri.Text()) {
						c.Report(uri, "KServe has no way to load from %s://", match[1])
					}
				}
			}
		},
	}
}

func added(c *rule.Context, uri string) bool {
	for _, container := range c.Objects(rule.ClusterStorageContainer) {
		for format := range container.Field("spec", "supportedUriFormats").Items() {
			if prefix := format.Field("prefix").Text(); prefix != "" && strings.HasPrefix(uri, prefix) {
				return true
			}
			// A regular expression of others isn't run here; it may well match.
			if format.Field("regex").Found() {
				return true
			}
		}
	}
	return false
}

func floatingWeights() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0609", Name: "floating-weights", Level: finding.Info,
			Summary: "Weights from Hugging Face have a revision.",
			Why: "Without one the storage-initializer downloads whatever the main branch holds when a pod starts: replicas of one Deployment can serve different weights, " +
				"and rolling back doesn't bring the old ones back.",
			How:   "Write hf://organisation/model:commit.",
			Refs:  []string{"kserve: python/storage/kserve_storage/kserve_storage.py (_download_hf)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				for _, uri := range p.StorageURIs() {
					if id, is := strings.CutPrefix(uri.Text(), "hf://"); is && !strings.Contains(id, ":") {
						c.Report(uri, "%s is another model when its main branch changes", uri.Text())
					}
				}
			}
		},
	}
}

func modelElsewhere() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0607", Name: "model-path-not-mounted", Level: finding.Error,
			Summary: "The server loads the model from where KServe puts it.",
			Why: "KServe puts storageUri at /mnt/models, and storageUris at their mountPath. A --model elsewhere isn't there, and a --model that is a name " +
				"makes the server download the weights a second time, without the storage-initializer's credentials.",
			How:   "Set --model=/mnt/models, or to the mountPath.",
			Refs:  []string{"kserve: pkg/constants/constants.go (DefaultModelLocalMountPath)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				main := p.Main()
				flag, ok := rule.FindFlag(main, "model")
				if !ok || len(p.StorageURIs()) == 0 || !rule.IsVLLM(main) || flag.Value == "" || strings.Contains(flag.Value, "$") {
					continue
				}
				places, own := mounted(p)
				if !slices.ContainsFunc(places, func(place string) bool { return within(flag.Value, place) }) {
					c.Report(flag.At, "the model is at %s, and the server loads %s", strings.Join(places[:own], ", "), flag.Value)
				}
			}
		},
	}
}

// mounted are the places where files of the model can be; the first own of them are where KServe puts it.
func mounted(p *rule.Predictor) (places []string, own int) {
	if p.Model.Field("storageUri").Found() {
		places = append(places, "/mnt/models")
	}
	for entry := range p.Spec.Field("storageUris").Items() {
		if path := entry.Field("mountPath").Text(); path != "" {
			places = append(places, path)
		} else {
			places = append(places, "/mnt/models")
		}
	}
	own = len(places)
	for _, mount := range p.Main().Mounts() {
		if path := mount.Field("mountPath").Text(); strings.HasPrefix(path, "/") {
			places = append(places, path)
		}
	}
	return places, own
}

func within(path, place string) bool {
	place = strings.TrimSuffix(place, "/")
	return path == place || strings.HasPrefix(path, place+"/")
}

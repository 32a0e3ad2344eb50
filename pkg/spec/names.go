package spec

import (
	"fmt"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const (
	// maxHost bounds <InferenceService>-predictor-<namespace>: KServe makes a DNS label of it and fails to
	// reconcile beyond 63 characters, even where no ingress is made (kserve#4807).
	maxHost = 63
	// maxLabel bounds the pod label app: isvc.<InferenceService>-predictor, a Kubernetes label value.
	maxLabel = 63
	// groupAndHash is what the pod label controller-revision-hash of the workers adds to the name of a LeaderWorkerSet:
	// each group has a StatefulSet <name>-<number>, here of up to three digits, and its revisions have a hash of up to ten.
	groupAndHash = len("-123-1234567890")
)

var (
	// dnsLabel is what KServe accepts as the name of an InferenceService
	// (pkg/apis/serving/v1beta1/inference_service_validation.go).
	dnsLabel      = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	repositoryID  = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$`)
	notInName     = regexp.MustCompile(`[^a-z0-9]+`)
)

// checkHeader reports whether a document is one of ours; otherwise nothing else can be judged.
func checkHeader(d *decoder, root *yaml.Node, document ModelDeployment) bool {
	if root.Kind != yaml.MappingNode {
		return false
	}
	for _, field := range []struct{ name, got, want string }{
		{"apiVersion", document.APIVersion, APIVersion},
		{"kind", document.Kind, Kind},
	} {
		at := root
		if _, n := child(root, field.name); n != nil {
			at = n
		}
		switch field.got {
		case field.want:
		case "":
			d.reportf(at, field.name, "is missing; want %s", field.want)
		default:
			d.reportf(at, field.name, "want %s, got %q", field.want, field.got)
		}
	}
	return document.APIVersion == APIVersion && document.Kind == Kind
}

// checkDocument fills in the names of the document and checks them, its revisions and its environments.
func checkDocument(d *decoder, document *ModelDeployment) {
	meta := &document.Metadata
	if meta.Name == "" {
		meta.Name = DeriveName(document.Spec.Model.ID)
	}
	if meta.Namespace == "" {
		meta.Namespace = "default"
	}
	r := &resolver{decoder: d}
	if meta.Name != "" && !dnsLabel.MatchString(meta.Name) {
		r.failf("metadata.name", "%q must be lower-case letters, digits and -, starting with a letter and ending with a letter or digit", meta.Name)
	}
	if meta.Name == "default" {
		r.failf("metadata.name", "every namespace has a ServiceAccount called default, which must not become the model's; choose another name")
	}
	if !namespaceName.MatchString(meta.Namespace) || len(meta.Namespace) > 63 {
		r.failf("metadata.namespace", "%q must be lower-case letters, digits and -, at most 63 characters", meta.Namespace)
	}
	checkRevisionNames(r, document)
	checkEnvironmentNames(r, document)
	checkRollout(r, document.Spec)
}

func checkRevisionNames(r *resolver, document *ModelDeployment) {
	meta := document.Metadata
	revisions := document.Spec.Revisions
	serving := document.Spec.Serving
	if len(revisions) == 0 {
		checkSums(r, "metadata.name", meta, serving, DefaultRevision)
	}
	seen := map[string]bool{}
	for i, revision := range revisions {
		path := fmt.Sprintf("spec.revisions[%d]", i)
		switch {
		case revision.Name == "":
			r.failf(path+".name", "is missing")
		case !namespaceName.MatchString(revision.Name):
			r.failf(path+".name", "%q must be lower-case letters, digits and -", revision.Name)
		case seen[revision.Name]:
			r.failf(path+".name", "revision %q is listed already", revision.Name)
		default:
			checkSums(r, path+".name", meta, serving, revision.Name)
		}
		seen[revision.Name] = true
		if revision.Model != nil && revision.Model.ServedName != "" {
			r.failf(path+".model.servedName", "must be the same on every revision, or clients of one get 404 from the other; set it in spec.model")
		}
	}
}

func checkSums(r *resolver, path string, meta Metadata, serving, revision string) {
	service := predictor(serving, meta.Name, revision)
	switch serving {
	case ServingLeaderWorkerSet:
		if name := meta.Name + "-" + revision; len(name) > maxLabel-groupAndHash {
			r.failf(path, "%q is %d characters, and the groups of a %s may have %d: a label of their pods adds a number and a hash; shorten the model's name or the revision's", name, len(name), ServingLeaderWorkerSet, maxLabel-groupAndHash)
		}
		return
	case ServingLLMInferenceService:
		// KServe makes another name of a longer one, and routes and policies are to know it.
		if len(service) > maxHost {
			r.failf(path, "the Service %q is %d characters, Kubernetes allows %d; shorten the model's name or the revision's", service, len(service), maxHost)
		}
		return
	}
	if host := service + "-" + meta.Namespace; len(host) > maxHost {
		r.failf(path, "%q is %d characters, KServe allows %d (kserve#4807); shorten the model's name, the revision's or the namespace", host, len(host), maxHost)
	}
	if label := "isvc." + service; len(label) > maxLabel {
		r.failf(path, "the pod label %q is %d characters, Kubernetes allows %d; shorten the model's name or the revision's", label, len(label), maxLabel)
	}
}

func checkEnvironmentNames(r *resolver, document *ModelDeployment) {
	seen := map[string]bool{}
	for i, environment := range document.Spec.Environments {
		path := fmt.Sprintf("spec.environments[%d]", i)
		switch {
		case environment.Name == "":
			r.failf(path+".name", "is missing")
		case !namespaceName.MatchString(environment.Name) || len(environment.Name) > 63:
			r.failf(path+".name", "%q is the name of a folder: lower-case letters, digits and -, at most 63 characters", environment.Name)
		case seen[environment.Name]:
			r.failf(path+".name", "environment %q is listed already", environment.Name)
		}
		seen[environment.Name] = true
		if environment.Model != nil && environment.Model.ServedName != "" {
			r.failf(path+".model.servedName", "is the same in every environment; set it in spec.model")
		}
	}
}

// DeriveName makes a model's name of its Hugging Face id: deepseek-ai/DeepSeek-R1 gives deepseek-r1. It is not
// cut to a length: what tells models apart, 8b or 70b, stands at the end.
func DeriveName(id string) string {
	name := strings.ToLower(id[strings.LastIndex(id, "/")+1:])
	name = strings.Trim(notInName.ReplaceAllString(name, "-"), "-")
	if name != "" && (name[0] < 'a' || name[0] > 'z') {
		name = "m-" + name
	}
	return name
}

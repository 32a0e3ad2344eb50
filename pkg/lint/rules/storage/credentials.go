package storage

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

const (
	roleAnnotation = "eks.amazonaws.com/role-arn"
	s3Annotation   = "serving.kserve.io/s3-"
)

func tokenOutOfReach() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0603", Name: "token-not-for-initializer", Level: finding.Error,
			Summary: "The storage-initializer, not the server, has the token of Hugging Face.",
			Why: "With hf:// the storage-initializer downloads the weights, and it doesn't get the variables of the model's container. " +
				"A gated model fails with 401 in the init container, while the server, which doesn't need the token, has it.",
			How:   "Put HF_TOKEN into a Secret and list that in the secrets of the InferenceService's ServiceAccount.",
			Refs:  []string{"kserve#4400", "kserve#6260", "kserve#4674"},
			Whole: true,
			Kinds: rule.PredictorKinds(rule.ServiceAccount),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				token := p.Main().Env("HF_TOKEN")
				if !token.Found() || hasSecrets(c, p) {
					continue
				}
				for _, uri := range p.StorageURIs() {
					if strings.HasPrefix(uri.Text(), "hf://") {
						c.Report(token, "the storage-initializer loads %s, and it doesn't get this variable", uri.Text())
						break
					}
				}
			}
		},
	}
}

// hasSecrets says whether credentials come another way: by the ServiceAccount, or by a Secret that is named.
func hasSecrets(c *rule.Context, p *rule.Predictor) bool {
	if p.PodAnnotation("serving.kserve.io/storageSecretName").Found() || p.Model.Field("storage").Found() || p.Spec.Field("storageContainerName").Found() {
		return true
	}
	account := p.Spec.Field("serviceAccountName").Text()
	if account == "" {
		return false
	}
	object := c.Find(rule.ServiceAccount, p.Namespace, account)
	return object == nil || object.Field("secrets").Len() > 0
}

func endpointWithRole() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0604", Name: "endpoint-redirects-sts", Level: finding.Error,
			Summary: "A ServiceAccount with an IAM role has no s3-endpoint.",
			Why: "KServe hands the annotation on as AWS_ENDPOINT_URL, which the SDK uses for every service: the request to STS that exchanges the token for the role's credentials " +
				"goes to the S3 endpoint and fails. KServe's own documentation shows both together.",
			How:   "Remove the annotation s3-endpoint; set s3-region.",
			Refs:  []string{"kserve#3482"},
			Kinds: []rule.Kind{rule.ServiceAccount},
		},
		Check: func(c *rule.Context) {
			for _, account := range c.Objects(rule.ServiceAccount) {
				if endpoint := account.Annotation(s3Annotation + "endpoint"); endpoint.Found() && account.Annotation(roleAnnotation).Found() {
					c.Report(endpoint, "STS is asked at this endpoint too, and the role's credentials can't be had")
				}
			}
		},
	}
}

func unreadAnnotations() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0605", Name: "s3-annotations-unread", Level: finding.Warning,
			Summary: "Annotations about S3 on a ServiceAccount go with the annotation of an IAM role.",
			Why: "KServe reads serving.kserve.io/s3-* of a ServiceAccount only where it has eks.amazonaws.com/role-arn. With EKS Pod Identity there is no such annotation, " +
				"and with a Secret they are read from that.",
			How:   "Set the region in the ConfigMap inferenceservice-config or a ClusterStorageContainer's env, or annotate the Secret.",
			Refs:  []string{"kserve: pkg/credentials/service_account_credentials.go (CreateSecretVolumeAndEnvFromServiceAccount)"},
			Kinds: []rule.Kind{rule.ServiceAccount},
		},
		Check: func(c *rule.Context) {
			for _, account := range c.Objects(rule.ServiceAccount) {
				if account.Annotation(roleAnnotation).Found() {
					continue
				}
				for name, value := range account.Field("metadata", "annotations").Entries() {
					if strings.HasPrefix(name, s3Annotation) {
						c.Report(value, "nothing reads %s on a ServiceAccount without %s", name, roleAnnotation)
					}
				}
			}
		},
	}
}

func otherAccount() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0612", Name: "bucket-without-account", Level: finding.Warning,
			Summary: "Predictors that load from one bucket both have an account for it.",
			Why: "One of them names a ServiceAccount with an IAM role or with credentials, so the bucket takes some; the other names none and runs as default. " +
				"Its storage-initializer is refused, and the pod restarts in its init container.",
			How:   "Name the same ServiceAccount in spec.predictor.serviceAccountName.",
			Refs:  []string{"kserve: pkg/credentials/service_account_credentials.go (CreateSecretVolumeAndEnv)"},
			Whole: true,
			Kinds: rule.PredictorKinds(rule.ServiceAccount),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if p.Spec.Field("serviceAccountName").Found() || hasCredentials(c.Find(rule.ServiceAccount, p.Namespace, "default")) {
					continue
				}
				for _, uri := range p.StorageURIs() {
					if other := entitled(c, p, bucketOf(uri.Text())); other != nil {
						c.Report(p.Spec, "%s loads from the same bucket as ServiceAccount %s, this as default", other.Object, other.Spec.Field("serviceAccountName").Text())
						break
					}
				}
			}
		},
	}
}

// entitled is another predictor of the namespace that loads from a bucket with credentials.
func entitled(c *rule.Context, p *rule.Predictor, bucket string) *rule.Predictor {
	for _, other := range c.Predictors() {
		account := c.Find(rule.ServiceAccount, p.Namespace, other.Spec.Field("serviceAccountName").Text())
		if other.Namespace != p.Namespace || !hasCredentials(account) {
			continue
		}
		for _, uri := range other.StorageURIs() {
			if bucket != "" && bucketOf(uri.Text()) == bucket {
				return other
			}
		}
	}
	return nil
}

// hasCredentials says whether a ServiceAccount has a cloud's identity or secrets.
func hasCredentials(account *rule.Object) bool {
	if account == nil {
		return false
	}
	for _, key := range []string{roleAnnotation, "iam.gke.io/gcp-service-account"} {
		if account.Annotation(key).Text() != "" {
			return true
		}
	}
	return account.Field("secrets").Len() > 0
}

// bucketOf is the scheme and bucket of a URI of an object storage, empty for others.
func bucketOf(uri string) string {
	scheme, path, _ := strings.Cut(uri, "://")
	bucket, _, _ := strings.Cut(path, "/")
	if scheme != "s3" && scheme != "gs" || bucket == "" {
		return ""
	}
	return scheme + "://" + bucket
}

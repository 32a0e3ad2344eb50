package effective_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/effective"
)

// TestKServeAgent: a predictor without a storageUri is taken for a multi-model server (IsMMSPredictor, kserve#2568,
// kserve#3449), whatever its runtime is.
func TestKServeAgent(t *testing.T) {
	t.Parallel()
	result := serve(t, `isvc: {spec: {predictor: {model: {storageUri: null}}}}`)
	agent := at(result.Pod(), "spec", "containers", "agent")
	require.NotNil(t, agent)
	assert.Contains(t, at(agent, "args"), "--enable-puller")
	assert.Nil(t, initializer(result))
	assert.Contains(t, kinds(result), "ConfigMap modelconfig-m-0")
	assert.EqualValues(t, 8080, servicePort(result, "targetPort"), "requests do not go through it")

	for name, patch := range map[string]string{
		"storageUri": "",
		"format huggingface": `{runtime: {spec: {supportedModelFormats: [{name: huggingface}]}},
  isvc: {spec: {predictor: {model: {storageUri: null, modelFormat: {name: huggingface}}}}}}`,
		"storageUris": `isvc: {spec: {predictor: {storageUris: [{uri: "hf://a/b", mountPath: /mnt/models}], model: {storageUri: null}}}}`,
		"a container": `{runtime: null, isvc: {spec: {predictor: {model: null, containers: [{name: kserve-container, image: a:1}]}}}}`,
	} {
		assert.Nil(t, at(serve(t, patch).Pod(), "spec", "containers", "agent"), name)
	}
	upper := serve(t, `{runtime: {spec: {supportedModelFormats: [{name: HuggingFace}]}},
  isvc: {spec: {predictor: {model: {storageUri: null, modelFormat: {name: HuggingFace}}}}}}`)
	assert.NotNil(t, at(upper.Pod(), "spec", "containers", "agent"), "the exemption is case-sensitive")
}

func TestKServeStorageInitializer(t *testing.T) {
	t.Parallel()
	fetch := serve(t, "")
	assert.Equal(t, []any{"hf://a/b", "/mnt/models"}, at(initializer(fetch), "args"))
	assert.Equal(t, "1Gi", at(initializer(fetch), "resources", "limits", "memory"), "of the default ClusterStorageContainer (kserve#5326)")
	assert.Equal(t, true, at(server(fetch), "volumeMounts", "/mnt/models", "readOnly"))

	pvc := serve(t, `isvc: {spec: {predictor: {model: {storageUri: "pvc://weights/deep/seek"}}}}`)
	assert.Nil(t, initializer(pvc), "a volume claim is mounted, not copied")
	assert.Equal(t, true, at(server(pvc), "volumeMounts", "/mnt/models", "readOnly"), "kserve#3687")
	assert.Equal(t, "deep/seek", at(server(pvc), "volumeMounts", "/mnt/models", "subPath"))
	writable := serve(t, `isvc: {metadata: {annotations: {storage.kserve.io/readonly: "false"}}, spec: {predictor: {model: {storageUri: "pvc://weights/x"}}}}`)
	assert.Nil(t, at(server(writable), "volumeMounts", "/mnt/models", "readOnly"))

	oci := serve(t, `isvc: {spec: {predictor: {model: {storageUri: "oci://registry/model:1"}}}}`)
	assert.Nil(t, initializer(oci))
	assert.NotNil(t, at(oci.Pod(), "spec", "containers", "modelcar"))
	assert.Equal(t, true, at(oci.Pod(), "spec", "shareProcessNamespace"))

	custom := serve(t, `{runtime: null, isvc: {spec: {predictor: {model: null, containers: [{name: kserve-container, image: a:1}]}}}}`)
	assert.Nil(t, initializer(custom))
}

func TestKServeSchemes(t *testing.T) {
	t.Parallel()
	refusal := refused(t, `isvc: {spec: {predictor: {model: {storageUri: "ftp://a/b"}}}}`)
	assert.Equal(t, "controller", refusal.By, "no webhook says it")
	assert.Contains(t, refusal.Message, "is not supported")
	both := refused(t, `isvc: {spec: {predictor: {storageUris: [{uri: "hf://c/d", mountPath: /mnt/x}]}}}`)
	assert.Equal(t, "inferenceservice.kserve-webhook-server.validator", both.By)
	assert.Contains(t, both.Message, "both StorageURI and StorageURIs")
	path := refused(t, `isvc: {spec: {predictor: {model: {storage: {key: k, path: p}}}}}`)
	assert.Equal(t, "controller", path.By)
	assert.Contains(t, path.Message, "must provide only one of storageUri and storage.path")
}

// TestKServeToken: what a predictor's env says never reaches the container that fetches (kserve#4400).
func TestKServeToken(t *testing.T) {
	t.Parallel()
	own := serve(t, `isvc: {spec: {predictor: {model: {env: [{name: HF_TOKEN, value: secret}]}}}}`)
	assert.Nil(t, at(initializer(own), "env", "HF_TOKEN"))
	byAccount := serve(t, `
add:
- {apiVersion: v1, kind: Secret, metadata: {name: hf, namespace: llm}, stringData: {HF_TOKEN: x}}
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: sa, namespace: llm}, secrets: [{name: hf}]}
isvc: {spec: {predictor: {serviceAccountName: sa}}}`)
	assert.Equal(t, "hf", at(initializer(byAccount), "env", "HF_TOKEN", "valueFrom", "secretKeyRef", "name"))
}

func TestKServeServiceAccounts(t *testing.T) {
	t.Parallel()
	missing := serve(t, `isvc: {spec: {predictor: {serviceAccountName: nobody}}}`)
	assert.NotNil(t, initializer(missing), "an account that is not there is passed over")
	secret := resourcesOf(t, `
add: [{apiVersion: v1, kind: ServiceAccount, metadata: {name: sa, namespace: llm}, secrets: [{name: gone}]}]
isvc: {spec: {predictor: {serviceAccountName: sa}}}`)
	builder, err := effective.New(effective.Options{Complete: true})
	require.NoError(t, err)
	complete, err := builder.Of(t.Context(), secret)
	require.NoError(t, err)
	require.NotEmpty(t, complete.Services[0].Refused, "a secret that it lists and that is not there stops every pod")
	assert.Equal(t, "inferenceservice.kserve-webhook-server.pod-mutator", complete.Services[0].Refused[0].By)
	assert.Contains(t, complete.Services[0].Refused[0].Message, `"gone" not found`)
	assert.Equal(t, "[Secret llm/gone]", fmt.Sprint(of(t, secret).Services[0].Assumed), "unless it may be kept elsewhere")

	account := func(annotations string) any {
		return initializer(serve(t, `
add: [{apiVersion: v1, kind: ServiceAccount, metadata: {name: sa, namespace: llm, annotations: {`+annotations+`}}}]
isvc: {spec: {predictor: {serviceAccountName: sa, model: {storageUri: "s3://b/m"}}}}`))
	}
	const s3 = `serving.kserve.io/s3-endpoint: s3.example.com, serving.kserve.io/s3-region: eu-central-1`
	irsa := account(`eks.amazonaws.com/role-arn: "arn:aws:iam::1:role/r", ` + s3)
	assert.Equal(t, "https://s3.example.com", at(irsa, "env", "AWS_ENDPOINT_URL", "value"), "redirects STS, too (kserve#3482)")
	assert.Equal(t, "eu-central-1", at(irsa, "env", "AWS_DEFAULT_REGION", "value"))
	assert.Nil(t, at(account(s3), "env", "AWS_DEFAULT_REGION"), "without the role (EKS Pod Identity) they are not read")
}

// TestKServeSkipsControlPlanes: the pod webhook does not see namespaces with the label control-plane.
func TestKServeSkipsControlPlanes(t *testing.T) {
	t.Parallel()
	result := serve(t, `add: [{apiVersion: v1, kind: Namespace, metadata: {name: llm, labels: {control-plane: x}}}]`)
	assert.Nil(t, initializer(result))
	assert.Nil(t, at(server(result), "volumeMounts", "/mnt/models"))
}

// TestKServeInitializerUser: under istio-cni the initializer must run as the sidecar's user to get out. The pod
// webhook sees to it only where Istio has injected before, and an ordinary container, not a native sidecar
// (SetIstioCniSecurityContext; kserve#3986).
func TestKServeInitializerUser(t *testing.T) {
	t.Parallel()
	user := func(result effective.Result) any { return at(initializer(result), "securityContext", "runAsUser") }
	assert.Nil(t, user(serve(t, "")))
	assert.EqualValues(t, 1337, user(serve(t, `isvc: {metadata: {annotations: {serving.kserve.io/storage-initializer-uid: "1337"}}}`)))
	injected := func(status, more string) effective.Result {
		return serve(t, merge(t, `isvc: {spec: {predictor: {annotations: {sidecar.istio.io/interceptionMode: REDIRECT, sidecar.istio.io/status: '`+status+`'}}}}`, more))
	}
	const proxy = `{name: istio-proxy, image: p:1, securityContext: {runAsUser: 1337}}`
	ordinary := injected(`{"containers":["istio-proxy"]}`, `runtime: {spec: {containers: [{name: kserve-container, image: a:1}, `+proxy+`]}}`)
	assert.EqualValues(t, 1337, user(ordinary))
	native := injected(`{"initContainers":["istio-proxy"],"containers":null}`, `isvc: {spec: {predictor: {initContainers: [`+proxy+`]}}}`)
	assert.Nil(t, user(native))
}

package clients

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	vpcresourcesv1beta1 "github.com/aws/amazon-vpc-resource-controller-k8s/apis/vpcresources/v1beta1"
	ec2v1 "github.com/aws/karpenter-provider-aws/pkg/apis/v1"
	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	kservev1alpha1 "github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	kservev1alpha2 "github.com/kserve/kserve/pkg/apis/serving/v1alpha2"
	kservev1beta1 "github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	istioextensions "istio.io/client-go/pkg/apis/extensions/v1alpha1"
	istionetworking "istio.io/client-go/pkg/apis/networking/v1"
	istiosecurity "istio.io/client-go/pkg/apis/security/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	karpenterv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	lwsv1 "sigs.k8s.io/lws/api/leaderworkerset/v1"
	"sigs.k8s.io/yaml"
)

// strict wants every object to fill its upstream Go type with no field left over and no key twice.
func (s *suite) strict(t *testing.T) {
	t.Parallel()
	decoder, err := strictDecoder()
	require.NoError(t, err)
	kinds := map[string][]byte{}
	for _, o := range s.overlays {
		for _, data := range o.objects {
			decoded, err := decodeStrict(decoder, data)
			if assert.NoErrorf(t, err, "%s:\n%s", o.name(), data) {
				kinds[decoded.GetObjectKind().GroupVersionKind().Kind] = data
			}
		}
	}
	for kind, data := range kinds {
		t.Run(kind+" can be refused", func(t *testing.T) { notDecoded(t, decoder, data) })
	}
}

// notDecoded damages a valid object in several ways that its Go type must see.
func notDecoded(t *testing.T, decoder runtime.Decoder, data []byte) {
	t.Helper()
	for _, damage := range []struct{ path, want string }{
		{"unknownField", "unknown field"},
		{"metadata.unknownField", "unknown field"},
		{"spec.unknownField", "unknown field"}, // of spec itself, where the kind has none
		{"metadata.labels", "cannot unmarshal string"},
	} {
		damaged := decodeObject(t, data)
		require.NoError(t, unstructured.SetNestedField(damaged.Object, "x", strings.Split(damage.path, ".")...))
		text, err := yaml.Marshal(damaged.Object)
		require.NoError(t, err)
		_, err = decodeStrict(decoder, text)
		assert.ErrorContains(t, err, damage.want, damage.path)
	}
	_, err := decodeStrict(decoder, append(bytes.Clone(data), "metadata: {}\n"...))
	assert.ErrorContains(t, err, "already", "the same key twice")
}

func strictDecoder() (runtime.Decoder, error) {
	types := runtime.NewScheme()
	builder := runtime.NewSchemeBuilder(scheme.AddToScheme, kservev1alpha1.AddToScheme, kservev1alpha2.AddToScheme, kservev1beta1.AddToScheme,
		istioextensions.AddToScheme, istionetworking.AddToScheme, istiosecurity.AddToScheme, monitoringv1.AddToScheme, gatewayv1.Install, lwsv1.AddToScheme, kedav1alpha1.AddToScheme, addKarpenter, vpcresourcesv1beta1.AddToScheme, snapshotv1.AddToScheme)
	if err := builder.AddToScheme(types); err != nil {
		return nil, err
	}
	return serializer.NewCodecFactory(types, serializer.EnableStrict).UniversalDeserializer(), nil
}

// addKarpenter adds the kinds that Karpenter's packages add to the scheme of client-go alone.
func addKarpenter(types *runtime.Scheme) error {
	types.AddKnownTypes(schema.GroupVersion{Group: "karpenter.sh", Version: "v1"}, &karpenterv1.NodePool{})
	types.AddKnownTypes(schema.GroupVersion{Group: "karpenter.k8s.aws", Version: "v1"}, &ec2v1.EC2NodeClass{})
	return nil
}

// decodeStrict decodes twice where the spec is one of Istio's messages, whose own decoder lets unknown
// fields pass.
func decodeStrict(decoder runtime.Decoder, data []byte) (runtime.Object, error) {
	object, _, err := decoder.Decode(data, nil, nil)
	if err != nil {
		return nil, err
	}
	spec := reflect.ValueOf(object).Elem().FieldByName("Spec")
	if !spec.IsValid() {
		return object, nil
	}
	message, ok := spec.Addr().Interface().(proto.Message)
	if !ok {
		return object, nil
	}
	asJSON, err := yaml.YAMLToJSON(data)
	if err != nil {
		return nil, err
	}
	var raw struct{ Spec json.RawMessage }
	if err := json.Unmarshal(asJSON, &raw); err != nil {
		return nil, err
	}
	if err := protojson.Unmarshal(raw.Spec, message.ProtoReflect().New().Interface()); err != nil {
		return nil, fmt.Errorf("spec: %w", err)
	}
	return object, nil
}

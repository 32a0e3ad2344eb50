package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	podsecurity "k8s.io/pod-security-admission/api"
)

// answer is the verdict on one object.
type answer struct {
	// Known is false for what is no kind of the API server's own, or of a version that it does not have.
	Known bool `json:"known"`
	// Causes are what is refused; none for an object that is accepted.
	Causes []cause `json:"causes,omitempty"`
}

type cause struct {
	Field   string `json:"field,omitempty"`
	Type    string `json:"type,omitempty"`
	Message string `json:"message"`
}

type judge struct {
	strategies map[string]rest.RESTCreateStrategy
	decoder    runtime.Decoder
}

func newJudge() judge {
	options := serializer.SerializerOptions{Strict: true}
	return judge{strategies(), serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, legacyscheme.Scheme, legacyscheme.Scheme, options)}
}

// answer never panics: what a strategy does not survive, the server answers with an error.
func (j judge) answer(line []byte) (a answer) {
	defer func() {
		if reason := recover(); reason != nil {
			a.Causes = []cause{{Message: fmt.Sprint("panic: ", reason)}}
		}
	}()
	var named metav1.TypeMeta
	if err := json.Unmarshal(line, &named); err != nil {
		return answer{}
	}
	gv, err := schema.ParseGroupVersion(named.APIVersion)
	strategy, ok := j.strategies[named.Kind]
	if err != nil || !ok || !legacyscheme.Scheme.Recognizes(gv.WithKind(named.Kind)) {
		return answer{}
	}
	a.Known = true
	if err := j.create(line, gv, strategy); err != nil {
		a.Causes = causes(err)
	}
	return a
}

// create does what the create handler and the generic registry's Store do before they write
// (k8s.io/apiserver/pkg/endpoints/handlers/create.go, pkg/registry/generic/registry/store.go).
func (j judge) create(line []byte, gv schema.GroupVersion, strategy rest.RESTCreateStrategy) error {
	internal := schema.GroupVersion{Group: gv.Group, Version: runtime.APIVersionInternal}
	object, _, err := legacyscheme.Codecs.DecoderToVersion(j.decoder, internal).Decode(line, nil, nil)
	if err != nil {
		return err
	}
	fields, err := meta.Accessor(object)
	if err != nil {
		return err
	}
	rest.FillObjectMetaSystemFields(fields)
	if fields.GetName() == "" && fields.GetGenerateName() != "" {
		fields.SetName(strategy.GenerateName(fields.GetGenerateName()))
	}
	fields.SetManagedFields(nil)
	namespace := fields.GetNamespace()
	if !strategy.NamespaceScoped() {
		namespace = ""
	} else if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	if service, ok := object.(*core.Service); ok {
		allocate(service)
	}
	ctx := request.WithNamespace(context.Background(), namespace)
	ctx = request.WithRequestInfo(ctx, &request.RequestInfo{APIGroup: gv.Group, APIVersion: gv.Version})
	if err := rest.BeforeCreate(strategy, ctx, object); err != nil {
		return err
	}
	if created, ok := object.(*core.Namespace); ok {
		return podSecurity(created)
	}
	return nil
}

// allocate fills in what a Service gets before it is validated (pkg/registry/core/service/storage).
func allocate(service *core.Service) {
	if service.Spec.ClusterIP != "" && len(service.Spec.ClusterIPs) == 0 {
		service.Spec.ClusterIPs = []string{service.Spec.ClusterIP}
	}
	const port = 30000
	local := service.Spec.Type == core.ServiceTypeLoadBalancer && service.Spec.ExternalTrafficPolicy == core.ServiceExternalTrafficPolicyLocal
	if local && service.Spec.HealthCheckNodePort == 0 {
		service.Spec.HealthCheckNodePort = port
	}
}

// podSecurity is what the admission plugin of that name, which every server runs, says of a Namespace's labels.
func podSecurity(created *core.Namespace) error {
	_, errs := podsecurity.PolicyToEvaluate(created.Labels, podsecurity.Policy{})
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(schema.GroupKind{Kind: "Namespace"}, created.Name, errs)
}

func causes(err error) []cause {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil || len(status.Status().Details.Causes) == 0 {
		return []cause{{Message: err.Error()}} // it did not decode
	}
	var found []cause
	for _, c := range status.Status().Details.Causes {
		found = append(found, cause{c.Field, string(c.Type), c.Message})
	}
	return found
}

package istio

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	clientv1 "istio.io/client-go/pkg/apis/networking/v1"
	clientsecurity "istio.io/client-go/pkg/apis/security/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Gateways opens the hosts of several models on the gateways that they name, one object per gateway.
func Gateways(targets []spec.Target, labels map[string]string) []manifest.Object {
	hosts := map[string]map[string][]string{} // gateway, TLS secret, hosts
	for _, t := range targets {
		if t.Expose == nil || t.Expose.OfGatewayAPI() {
			continue
		}
		bySecret := hosts[t.Expose.Gateway]
		if bySecret == nil {
			bySecret = map[string][]string{}
			hosts[t.Expose.Gateway] = bySecret
		}
		for _, host := range t.GatewayHosts() {
			if !slices.Contains(bySecret[t.Expose.TLSSecret], host) {
				bySecret[t.Expose.TLSSecret] = append(bySecret[t.Expose.TLSSecret], host)
			}
		}
	}
	var objects []manifest.Object
	for qualified, bySecret := range hosts {
		objects = append(objects, gateway(qualified, bySecret, labels))
	}
	slices.SortFunc(objects, func(a, b manifest.Object) int { return cmp.Compare(a.File, b.File) })
	return objects
}

func gateway(qualified string, bySecret map[string][]string, labels map[string]string) manifest.Object {
	namespace, name, _ := strings.Cut(qualified, "/")
	gateway := &clientv1.Gateway{
		TypeMeta:   metav1.TypeMeta{APIVersion: clientv1.SchemeGroupVersion.String(), Kind: "Gateway"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: labels},
	}
	gateway.Spec.Selector = gatewayPods()
	secrets := make([]string, 0, len(bySecret))
	for secret := range bySecret {
		secrets = append(secrets, secret)
	}
	slices.Sort(secrets)
	for i, secret := range secrets {
		slices.Sort(bySecret[secret])
		gateway.Spec.Servers = append(gateway.Spec.Servers, servers(i, secret, bySecret[secret])...)
	}
	return manifest.Object{
		File: "gateway-" + namespace + "-" + name, Typed: gateway,
		Comments: manifest.Comments{
			Head: "The hosts of every model on this gateway. The certificates' Secrets are in its namespace.",
			At:   map[string]string{"/spec/selector": "The label of istioctl's and the demo's gateway; patch it in custom/ where yours has another."},
		},
	}
}

// gatewayPods is the label of the pods of istioctl's gateway.
func gatewayPods() map[string]string { return map[string]string{"istio": "ingressgateway"} }

// servers of one certificate: HTTPS, and plain HTTP that redirects. Without a certificate, plain HTTP.
func servers(index int, secret string, hosts []string) []*networking.Server {
	if secret == "" {
		return []*networking.Server{{Port: &networking.Port{Number: 80, Name: fmt.Sprintf("http-%d", index), Protocol: "HTTP"}, Hosts: hosts}}
	}
	return []*networking.Server{
		{
			Port: &networking.Port{Number: 443, Name: fmt.Sprintf("https-%d", index), Protocol: "HTTPS"}, Hosts: hosts,
			Tls: &networking.ServerTLSSettings{
				Mode: networking.ServerTLSSettings_SIMPLE, CredentialName: secret,
				MinProtocolVersion: networking.ServerTLSSettings_TLSV1_2,
			},
		},
		{
			Port: &networking.Port{Number: 80, Name: fmt.Sprintf("http-%d", index), Protocol: "HTTP"}, Hosts: hosts,
			Tls: &networking.ServerTLSSettings{HttpsRedirect: true},
		},
	}
}

// NamespacePolicies are for a whole namespace: STRICT mTLS, and nobody in who is not let in by name. They are
// called default and deny-all, Istio's own words for them.
func NamespacePolicies(namespace string, labels map[string]string) []manifest.Object {
	peer := &clientsecurity.PeerAuthentication{TypeMeta: typeMeta("PeerAuthentication"), ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: namespace, Labels: labels}}
	peer.Spec.Mtls = strict()
	deny := &clientsecurity.AuthorizationPolicy{TypeMeta: typeMeta("AuthorizationPolicy"), ObjectMeta: metav1.ObjectMeta{Name: "deny-all", Namespace: namespace, Labels: labels}}
	return []manifest.Object{
		{File: "peerauthentication-" + namespace, Typed: peer, Comments: manifest.Comments{
			Head: "Plaintext is refused by everything in " + namespace + " that has a sidecar.",
		}},
		{File: "authorizationpolicy-" + namespace, Typed: deny, Comments: manifest.Comments{
			Head: "Nobody may call anything in " + namespace + " but by a policy that lets them in.",
		}},
	}
}

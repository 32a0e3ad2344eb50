package effective

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/kmeta"
	"knative.dev/pkg/network"
)

// certificate is the Secret that the controller makes for every LLMInferenceService, whether it serves by TLS or not. It
// takes one that is there and good (ShouldRecreateCertificate), and its own, an RSA key of 4096 bits, takes seconds. It is
// never shown.
func certificate(service *v1alpha2.LLMInferenceService) (*corev1.Secret, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	host := kmeta.ChildName(service.Name, "-kserve-workload-svc")
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames:    []string{"localhost", network.GetServiceHostname(host, service.Namespace), fmt.Sprintf("%s.%s.svc", host, service.Namespace)},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: kmeta.ChildName(service.Name, "-kserve-self-signed-certs"), Namespace: service.Namespace,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(service, v1alpha2.LLMInferenceServiceGVK)},
		},
		Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{
			"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
			"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		},
	}, nil
}

package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificates are what the servers of one cluster show each other. One self-signed certificate for loopback
// serves them all and is its own authority.
type certificates struct {
	certFile string
	keyFile  string
	// authorityFile has the content of certFile: istiod does not serve where both are one file, since it may
	// watch a file only once.
	authorityFile string
	// signingKeyFile signs the tokens of service accounts.
	signingKeyFile string
	// authority is the PEM that clients trust.
	authority []byte
}

func newCertificates(dir string) (certificates, error) {
	c := certificates{
		certFile:       filepath.Join(dir, "tls.crt"), // the names that controller-runtime looks for
		keyFile:        filepath.Join(dir, "tls.key"),
		authorityFile:  filepath.Join(dir, "ca.crt"),
		signingKeyFile: filepath.Join(dir, "service-accounts.key"),
	}
	key, err := newKey(c.keyFile)
	if err != nil {
		return c, err
	}
	if _, err = newKey(c.signingKeyFile); err != nil {
		return c, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "envtest"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:        true, BasicConstraintsValid: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return c, fmt.Errorf("making a certificate: %w", err)
	}
	c.authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for _, path := range []string{c.certFile, c.authorityFile} {
		if err := os.WriteFile(path, c.authority, 0o600); err != nil {
			return c, err
		}
	}
	return c, nil
}

// newKey writes the one form of a private key that the API server derives a public one from.
func newKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}

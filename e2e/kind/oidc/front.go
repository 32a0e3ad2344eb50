package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// Front ends TLS before a gateway that has none, as a load balancer does: browsers keep a sign-in for pages of https alone.
type Front struct {
	// Address is where it listens, on this machine.
	Address string
	server  *http.Server
	ended   chan error
}

// NewFront is one for a host behind the gateway's address, as http://10.89.0.2:30080. Its certificate is worth nothing.
func NewFront(ctx context.Context, host, gateway string) (*Front, error) {
	to, err := url.Parse(gateway)
	if err != nil {
		return nil, err
	}
	certificate, err := selfSigned(host)
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1, // answers are streams
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
	}
	f := &Front{Address: listener.Addr().String(), ended: make(chan error, 1)}
	f.server = &http.Server{
		Handler: proxy, ReadHeaderTimeout: 10 * time.Second, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13},
		ErrorLog: log.New(io.Discard, "", 0), // a browser says at first that it does not know the certificate
	}
	go func() { f.ended <- f.server.ServeTLS(listener, "", "") }()
	return f, nil
}

// Close ends it.
func (f *Front) Close() error {
	err := f.server.Close()
	if ended := <-f.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

func selfSigned(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

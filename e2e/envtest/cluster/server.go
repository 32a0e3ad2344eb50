package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// token is the administrator's. The server listens on loopback, for as long as a test runs.
const token = "envtest"

// startEtcd returns the URL that the API server finds its store at.
func (c *Cluster) startEtcd(ctx context.Context) (string, error) {
	addresses, err := freeAddresses(2)
	if err != nil {
		return "", err
	}
	client, peer := "http://"+addresses[0], "http://"+addresses[1]
	args := []string{
		"--data-dir=" + filepath.Join(c.options.Dir, "etcd"),
		"--unsafe-no-fsync", // nothing is kept
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=default=" + peer,
		// The CRDs alone are 20 MB; keep their versions out of the way of the default quota.
		"--quota-backend-bytes=8589934592", "--max-request-bytes=16777216",
	}
	return client, c.run(ctx, "etcd", nil, args, ready(http.DefaultClient, client+"/readyz"))
}

// startAPIServer returns how to reach the server as an administrator.
func (c *Cluster) startAPIServer(ctx context.Context, etcd string) (*rest.Config, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	tokens := filepath.Join(c.options.Dir, "tokens.csv")
	if err = os.WriteFile(tokens, []byte(token+",admin,admin,system:masters\n"), 0o600); err != nil {
		return nil, err
	}
	args := []string{
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1", "--secure-port=" + port(address), "--advertise-address=127.0.0.1",
		"--tls-cert-file=" + c.certificates.certFile, "--tls-private-key-file=" + c.certificates.keyFile,
		"--token-auth-file=" + tokens, "--authorization-mode=RBAC",
		"--service-account-key-file=" + c.certificates.signingKeyFile,
		"--service-account-signing-key-file=" + c.certificates.signingKeyFile,
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-cluster-ip-range=10.96.0.0/16",
		// No controller makes the default service accounts that this plugin asks for.
		"--disable-admission-plugins=ServiceAccount",
		// Endpoints of the service kubernetes can't be on loopback.
		"--endpoint-reconciler-type=none",
		// The tests ask as fast as the server answers.
		"--enable-priority-and-fairness=false", "--max-requests-inflight=0", "--max-mutating-requests-inflight=0",
	}
	config := &rest.Config{
		Host: "https://" + address, BearerToken: token, QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.certificates.authority},
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	return config, c.run(ctx, "kube-apiserver", nil, args, ready(client, config.Host+"/readyz"))
}

// ready asks a URL that answers 200 when its server can work.
func ready(client *http.Client, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, response.Status)
		}
		return nil
	}
}

// trusting is a client for the servers of this cluster.
func (c *Cluster) trusting() (*http.Client, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(c.certificates.authority) {
		return nil, errors.New("the cluster's own certificate does not parse")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	return &http.Client{Transport: transport}, nil
}

// writeKubeconfig returns a file for programs that take nothing else.
func writeKubeconfig(dir string, config *rest.Config) (string, error) {
	const name = "envtest"
	file := clientcmdapi.NewConfig()
	file.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	file.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	file.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	file.CurrentContext = name
	path := filepath.Join(dir, "kubeconfig")
	return path, clientcmd.WriteToFile(*file, path)
}

package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// kubeconfig is what of one says how its cluster is reached.
type kubeconfig struct {
	Clusters []struct {
		Cluster struct {
			Server string `json:"server"`
			CA     []byte `json:"certificate-authority-data"`
		} `json:"cluster"`
	} `json:"clusters"`
	Users []struct {
		User struct {
			Certificate []byte `json:"client-certificate-data"`
			Key         []byte `json:"client-key-data"`
		} `json:"user"`
	} `json:"users"`
}

// askPrometheus are the flags that let `kservegen canary` ask the cluster's Prometheus from outside: through the API server, which
// passes on what it is asked of a Service (its proxy subresource), with the certificates of the kubeconfig.
func (e *Env) askPrometheus(ctx context.Context) ([]string, error) {
	out, err := e.Kubectl.Run(ctx, "config", "view", "--raw", "--minify", "-o", "json")
	if err != nil {
		return nil, err
	}
	var config kubeconfig
	if err := json.Unmarshal([]byte(out), &config); err != nil || len(config.Clusters) != 1 || len(config.Users) != 1 {
		return nil, errors.Join(err, fmt.Errorf("the kubeconfig has %d clusters and %d users", len(config.Clusters), len(config.Users)))
	}
	at, user := config.Clusters[0].Cluster, config.Users[0].User
	flags := []string{"--prometheus=" + at.Server + e.prometheusPath()}
	dir := e.Temporary()
	for name, content := range map[string][]byte{"ca-file": at.CA, "cert-file": user.Certificate, "key-file": user.Key} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, err
		}
		flags = append(flags, "--"+name+"="+path)
	}
	return flags, nil
}

// prometheusPath is where the API server passes on what it is asked.
func (e *Env) prometheusPath() string {
	return fmt.Sprintf("/api/v1/namespaces/%s/services/prometheus-operated:web/proxy", e.Tree.Needs().Monitoring)
}

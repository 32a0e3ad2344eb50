//go:build tools

package clients

// A program without dependencies that keeps its module, whose files hold the CRD of PodMonitor, in go.mod.
import _ "github.com/prometheus-operator/prometheus-operator/example/alertmanager-webhook"

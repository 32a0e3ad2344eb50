//go:build tools

package clients

// A program without dependencies that keeps its module, whose files hold the CRDs of PodMonitor and PrometheusRule, in go.mod.
import _ "github.com/prometheus-operator/prometheus-operator/example/alertmanager-webhook"

package effective

import (
	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// DiscardLogs sends what KServe logs nowhere. It logs through the global loggers of controller-runtime and klog,
// which belong to the program, so the program calls this, once and before the first Of. Otherwise klog writes to
// standard error, and controller-runtime complains there after 30 s.
func DiscardLogs() {
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
}

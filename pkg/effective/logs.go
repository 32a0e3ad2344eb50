package effective

import (
	"sync"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// DiscardLogs sends what KServe logs nowhere. It logs through the global loggers of controller-runtime and klog,
// which belong to the program, so the program calls this before the first Of. Otherwise klog writes to standard
// error, and controller-runtime complains there after 30 s.
func DiscardLogs() { discard() }

// klog's logger may be set only once without a race.
var discard = sync.OnceFunc(func() {
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
})

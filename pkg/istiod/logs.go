package istiod

import (
	"log"
	"os"
	"sync"

	"go.uber.org/zap"
	"k8s.io/klog/v2"
)

// RestoreLogs undoes what importing Istio's code does to a process: its log package makes the logs of the standard
// library, klog and zap write to standard output (init of pkg/log/config.go), which is for data. They write where they
// do by themselves again: to standard error, zap's nowhere. A program that links this package calls it first.
func RestoreLogs() { restore() }

// The loggers belong to the process.
var restore = sync.OnceFunc(func() {
	log.SetOutput(os.Stderr)
	log.SetFlags(log.LstdFlags)
	log.SetPrefix("")
	klog.ClearLogger()
	zap.ReplaceGlobals(zap.NewNop())
})

package chat

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

const (
	// longAnswer, in seconds, is what many answers of a reasoning model take: some thousand tokens at 50 a second.
	longAnswer = 60
	// defaultGrace is the grace period of pods that say none, in seconds (kubernetes: core/v1 DefaultTerminationGracePeriodSeconds).
	defaultGrace = 30
)

func cutsAnswers() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1515", Name: "page-cuts-answers", Level: finding.Warning,
			Summary: "A page that stops is out of the routes first, and lets answers end.",
			Why: "From SIGTERM on the page takes no more connections and waits for the answers that run, until the kubelet kills it when terminationGracePeriodSeconds end, 30 by default: what is longer is cut in the middle. " +
				"Gateways hear of the pod's end at the same moment as the program and send to it for some seconds more, which is 503 without a preStop hook.",
			How:   "Set lifecycle.preStop.sleep to 10 seconds, which takes no shell in the image, and terminationGracePeriodSeconds to those and what answers take, 330 for example.",
			Refs:  []string{"kubernetes: docs/concepts/workloads/pods/pod-lifecycle (pod termination flow)", "kservegen: pkg/chat/web/serve.go"},
			Kinds: rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) {
			for _, page := range c.ChatPages() {
				hook := page.Container.Field("lifecycle", "preStop")
				if !hook.Found() {
					c.Report(page.Container.Strongest(), "gateways send to a pod that stops, which takes no connections any more")
				}
				grace := page.Pod.Field("terminationGracePeriodSeconds")
				at := grace
				if !grace.Found() {
					at = page.Pod
				}
				if left := grace.IntOr(defaultGrace) - hook.Field("sleep", "seconds").IntOr(0); left < longAnswer {
					c.Report(at, "answers that take longer than %d s are cut when a pod stops", max(left, 0))
				}
			}
		},
	}
}

// Package serving holds the rules about InferenceServices, their runtimes and LLMInferenceServices: what KServe's controller makes of them.
package serving

import "github.com/kservegen/kservegen/pkg/lint/rule"

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{
		canaryPercent(), canaryRefused(), canaryWithoutTraffic(), canaryKeda(), canaryZero(),
		legacyMode(), noMode(),
		unsupportedFormat(), noMainContainer(), samePriority(), protocolVersion(),
		cpuImage(), gpuImage(), smallResources(),
		templateBraces(), repeatedFlag(), commandWithoutArgs(), blockedEnv(), multiModelAgent(),
		ignoredPodFields(), floatingImage(), firstPort(), prometheusPort(),
		multiNodeRefused(), multiNodeRuntime(), unknownFlag(), servedName(), disabledRuntime(), shellArgs(), apiServerModel(), otherImage(),
		scrapedPort(), deprecatedFlag(), abbreviatedFlag(), joinedConfig(),
		canaryNeverPromoted(),
		workersDeleted(), sizesDisagree(), severalHeads(), networkOfOneSide(), groupSize(), serviceOfWorkers(), groupThroughSidecars(),
		llmPort(), llmHandlers(), llmGroup(),
	}
}

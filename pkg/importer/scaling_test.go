package importer

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/spec"
)

// TestColdStartIsReadBack: of windows that were computed; those of one's own, and those that nobody computed, are left alone.
func TestColdStartIsReadBack(t *testing.T) {
	t.Parallel()
	hpa := func(kind string, value, window, period string) string {
		return coldStart("", &objects(t, `{kind: HorizontalPodAutoscaler, spec: {behavior: {
  scaleUp: {policies: [{type: `+kind+`, value: `+value+`, periodSeconds: `+period+`}]},
  scaleDown: {stabilizationWindowSeconds: `+window+`}}}}`)[0], nil)
	}
	assert.Equal(t, "12m", hpa("Percent", "100", "720", "720"))
	assert.Equal(t, "33m10s", hpa("Percent", "100", "1990", "1800"))
	assert.Equal(t, "1h", hpa("Percent", "100", "3600", "1800"))
	assert.Equal(t, "4m", hpa("Percent", "100", "300", "240"), "shorter than Kubernetes' own window")
	assert.Empty(t, hpa("Pods", "1", "600", "60"), "the tree's own, fixed")
	assert.Empty(t, hpa("Percent", "50", "720", "720"))
	scaled := objects(t, `{kind: ScaledObject, spec: {advanced: {horizontalPodAutoscalerConfig: {behavior: {
  scaleUp: {policies: [{type: Percent, value: 100, periodSeconds: 900}]}, scaleDown: {stabilizationWindowSeconds: 900}}}}}}`)
	assert.Equal(t, "15m", coldStart("", nil, &scaled[0]))
	assert.Equal(t, "15m", coldStart("15m", nil, &scaled[0]))
	assert.Equal(t, spec.Auto, coldStart("20m", nil, &scaled[0]), "two revisions take differently long")
	assert.Empty(t, coldStart("", nil, nil))
}

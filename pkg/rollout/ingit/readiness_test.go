package ingit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/ingit"
	"github.com/kservegen/kservegen/pkg/rollout/live"
	"github.com/kservegen/kservegen/pkg/rollout/metrics"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
)

type cluster struct {
	live.Model
	err error
}

func (c cluster) Read(context.Context, string, string) (live.Model, error) { return c.Model, c.err }

func TestReadyInACluster(t *testing.T) {
	t.Parallel()
	q := ingit.Question{Target: spec.Target{Name: "m", Revisions: []spec.RevisionTarget{{Name: "v2"}}}, Ends: steps.Ends{From: "v1", To: "v2"}, Gets: spec.Phase{Weight: 5}}
	q.Target.Revisions[0].MinReplicas = 1
	for name, test := range map[string]struct {
		revision live.Revision
		want     ingit.Answer
	}{
		"ready":       {live.Revision{Name: "v2", Weight: new(5), Wanted: 1, Answering: 1, Ready: true}, ingit.Answer{Ready: true}},
		"no route":    {live.Revision{Name: "v2", Wanted: 1, Answering: 1, Ready: true}, ingit.Answer{Ready: true}},
		"not applied": {live.Revision{Name: "v2", Weight: new(0), Wanted: 1, Answering: 1, Ready: true}, ingit.Answer{Why: "the cluster gives v2 0 % and Git 5 %: what applies the tree (Flux, Argo CD) has not done so yet"}},
		"no copies":   {live.Revision{Name: "v2", Weight: new(5), Mirror: 20, Wanted: 1, Answering: 1, Ready: true}, ingit.Answer{Why: "the cluster gives v2 5 % and copies of 20 % and Git 5 %: what applies the tree (Flux, Argo CD) has not done so yet"}},
		"down":        {live.Revision{Name: "v2", Weight: new(5), Wanted: 2, Reason: "no node."}, ingit.Answer{Why: "no node", Down: true}},
		"half":        {live.Revision{Name: "v2", Weight: new(5), Wanted: 2, Answering: 1, Reason: "no node"}, ingit.Answer{Why: "no node"}},
		"stopped":     {live.Revision{Name: "v2", Weight: new(5), Reason: "nobody asks"}, ingit.Answer{Why: "nobody asks"}},
		"another":     {live.Revision{Name: "v1"}, ingit.Answer{Why: "is not in the cluster"}},
	} {
		got, err := ingit.InCluster{Cluster: cluster{Model: live.Model{Revisions: []live.Revision{test.revision}}}}.Ask(t.Context(), q)
		require.NoError(t, err, name)
		assert.Equal(t, test.want, got, name)
	}
	_, err := ingit.InCluster{Cluster: cluster{err: errors.New("away")}}.Ask(t.Context(), q)
	require.ErrorContains(t, err, "away")
}

type series []model.SampleValue

func (s series) QueryRange(context.Context, string, v1.Range, ...v1.Option) (model.Value, v1.Warnings, error) {
	m := model.Matrix{}
	for _, value := range s {
		m = append(m, &model.SampleStream{Values: []model.SamplePair{{Value: value}}})
	}
	return m, nil, nil
}

func TestReadyInPrometheus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		has  series
		want ingit.Answer
	}{
		{series{1, 1}, ingit.Answer{Ready: true}},
		{series{1, 0}, ingit.Answer{Why: "1 of 2 pods of v2 answer Prometheus"}},
		{series{0}, ingit.Answer{Why: "0 of 1 pods of v2 answer Prometheus"}},
		{nil, ingit.Answer{Why: "Prometheus collects no pod of v2"}},
	} {
		got, err := ingit.InPrometheus{From: test.has, Revision: metrics.Revision{Name: "v2"}, Now: time.Now}.Ask(t.Context(), ingit.Question{})
		require.NoError(t, err)
		assert.Equal(t, test.want, got)
	}
	got, err := ingit.Unchecked{}.Ask(t.Context(), ingit.Question{})
	require.NoError(t, err)
	assert.True(t, got.Ready)
}

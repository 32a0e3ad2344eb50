package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/sources"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// Flux is a run of its own, since its controllers take minutes to build: source-controller and kustomize-controller
// keep the cluster as a repository says. That a sync waits for ever on an InferenceService (kserve#6081) is no check:
// whether its counters differ is up to what happened to it before.
func Flux() Case {
	return Case{
		Name:   "flux",
		Before: func(ctx context.Context, e *Env) error { return e.Flux(ctx) },
		Checks: []Check{
			{Name: "adopt", Run: adopts},
			{Name: "depends", Run: depends},
			{Name: "commit", Run: commits},
			{Name: "bad commit", Run: refusesCommits},
			{Name: "rollback", Run: rollsBack},
			{Name: "hand edit", Run: putsBack},
			{Name: "oci", Run: pullsArtifact},
			{Name: "prune", Run: prunes},
		},
		After: func(ctx context.Context, e *Env) error { return errors.Join(e.leaveFlux(ctx), e.Ready(ctx)) },
	}
}

// adopts: what kubectl had applied is Flux's after the first sync, and nobody notices.
func adopts(ctx context.Context, e *Env) error {
	return e.withGit(ctx, func(ctx context.Context, s *synced, _ *sources.Git) error {
		before, err := e.modelPods(ctx, "")
		if err != nil {
			return err
		}
		answers, err := e.underLoad(ctx, "the first sync", func(ctx context.Context) error {
			if err := s.start(ctx); err != nil {
				return err
			}
			return e.replaced(ctx, before)
		})
		if err != nil {
			return err
		}
		return errors.Join(nothingLost(answers), e.owned(ctx), e.routed(ctx, e.Tree.Shares()))
	})
}

// replaced waits for the ends of pods that there were and are not to stay, and says how many.
func (e *Env) replaced(ctx context.Context, before []corev1.Pod) error {
	after, err := e.modelPods(ctx, "")
	if err != nil {
		return err
	}
	stays := map[string]bool{}
	for _, pod := range after {
		stays[pod.Name] = true
	}
	var gone []corev1.Pod
	for _, pod := range before {
		if !stays[pod.Name] {
			gone = append(gone, pod)
		}
	}
	e.Figure("%d of %d pods were replaced by it: KServe gives them the labels that Flux puts on an InferenceService", len(gone), len(before))
	return e.gone(ctx, gone)
}

// commits of other weights reach Envoy, and so does their revert.
func commits(ctx context.Context, e *Env) error {
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	steps := slices.CompactFunc([]tree.Shares{e.other(stable, next), e.shares(tree.Shares{next: 100})}, equal)
	return e.withGit(ctx, func(ctx context.Context, s *synced, repository *sources.Git) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		var from, until time.Time
		answers, err := e.underBriefLoad(ctx, "commits of the weights and their revert", func(ctx context.Context) error {
			for _, shares := range steps {
				if err := s.shift(ctx, shares); err != nil {
					return err
				}
			}
			from = time.Now()
			if err := pause(ctx, dwell); err != nil {
				return err
			}
			until = time.Now()
			return s.roll(ctx, "git revert", e.Tree.Shares(), func(ctx context.Context) (string, error) { return repository.Revert(ctx, len(steps)) })
		})
		if err != nil {
			return err
		}
		return errors.Join(nothingLost(answers), e.allReached(answers.Between(from, until), next))
	})
}

func equal(one, other tree.Shares) bool { return maps.Equal(one, other) }

// allReached wants every answer to come from a host's pods.
func (e *Env) allReached(answers load.Answers, host string) error {
	reached := len(answers.By(pods(host)))
	e.Figure("at 100 percent: %d of %d requests reached %s", reached, len(answers), service(host))
	if reached < len(answers) || len(answers) == 0 {
		return violated("%d of %d requests reached %s at 100 percent", reached, len(answers), host)
	}
	return nil
}

// mistaken is a commit that cannot be applied.
type mistaken struct {
	what string
	// edit makes it in traffic.yaml; reason is Flux's.
	edit   func(content string) string
	reason string
}

// refusesCommits: a commit that kustomize cannot build, and one that the API server refuses, change nothing.
func refusesCommits(ctx context.Context, e *Env) error {
	stable, _, err := e.two()
	if err != nil {
		return err
	}
	all := []mistaken{
		{"a host that the patch's test does not find", func(content string) string {
			return strings.Replace(content, deployment(stable), "gone."+deployment(stable), 1) // which its host begins with
		}, meta.BuildFailedReason},
		{"a weight that is no number", tree.WeightInWords, meta.ReconciliationFailedReason},
	}
	return e.withGit(ctx, func(ctx context.Context, s *synced, repository *sources.Git) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		before, err := e.route(ctx)
		if err != nil {
			return err
		}
		answers, err := e.underBriefLoad(ctx, "two commits that cannot be applied", func(ctx context.Context) error {
			for _, m := range all {
				if err := s.refused(ctx, repository, m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		after, err := e.route(ctx)
		if err == nil && after.Generation != before.Generation {
			err = violated("the %s was changed %d times", e.Tree.Route.Kind, after.Generation-before.Generation)
		}
		return errors.Join(err, nothingLost(answers), e.routed(ctx, e.Tree.Shares()))
	})
}

// refused commits a mistake, waits until Flux says so, and reverts it.
func (s *synced) refused(ctx context.Context, repository *sources.Git, m mistaken) error {
	if err := s.copy.EditTraffic(m.edit); err != nil {
		return err
	}
	revision, err := s.send(ctx, repository.Publish)
	if err != nil {
		return err
	}
	message, err := s.failed(ctx, revision, m.reason)
	if err != nil {
		return err
	}
	s.Figure("%s: %s: %.160s", m.what, m.reason, strings.ReplaceAll(message, "\n", " "))
	if err := s.routed(ctx, s.Tree.Shares()); err != nil {
		return err
	}
	if err := pause(ctx, dwell); err != nil { // requests meanwhile are what counts
		return err
	}
	start := time.Now()
	if revision, err = repository.Revert(ctx, 1); err != nil {
		return err
	}
	if err := s.pull(ctx); err != nil {
		return err
	}
	err = s.ready(ctx, revision)
	s.Figure("Flux is ready again %.1f s after its revert", time.Since(start).Seconds())
	return err
}

// rollsBack: while Flux waits for a pod that never gets ready, the commit that takes it back is applied at once.
func rollsBack(ctx context.Context, e *Env) error {
	_, next, err := e.two()
	if err != nil {
		return err
	}
	if err := e.needsReplicas(service(next)); err != nil {
		return err
	}
	bad, err := e.patchOf(service(next), wrongArgument())
	if err != nil {
		return err
	}
	return e.withGit(ctx, func(ctx context.Context, s *synced, repository *sources.Git) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		was, err := e.template(ctx, service(next))
		if err != nil {
			return err
		}
		answers, err := e.underLoad(ctx, "a commit that crashes a pod and its revert", func(ctx context.Context) error {
			if _, err := s.copy.Customize(bad); err != nil {
				return err
			}
			return s.takenBack(ctx, repository, service(next), was)
		})
		return errors.Join(err, nothingLost(answers))
	})
}

// takenBack commits what crashes a revision's first pod, and reverts it while Flux waits for that pod.
func (s *synced) takenBack(ctx context.Context, repository *sources.Git, name, was string) error {
	revision, err := s.send(ctx, repository.Publish)
	if err != nil {
		return err
	}
	waiting := s.stalled(ctx, name, was, crashed)
	if waiting == nil {
		waiting = s.waits(ctx, revision)
	}
	// Whatever came of that: nothing but a sync takes away again what one has brought.
	start := time.Now()
	if revision, err = s.send(ctx, func(ctx context.Context) (string, error) { return repository.Revert(ctx, 1) }); err != nil {
		return errors.Join(waiting, err)
	}
	if err = s.tried(ctx, revision); err == nil {
		s.Figure("while Flux waits for a pod that crashes, it begins to apply the revert after %.1f s", time.Since(start).Seconds())
		err = errors.Join(s.became(ctx, name, both(of(was), ready)), s.ready(ctx, revision))
	}
	return errors.Join(waiting, err)
}

// route is what shares requests, as it is now.
func (e *Env) route(ctx context.Context) (metav1.PartialObjectMetadata, error) {
	route := e.Tree.Route
	return kubectl.Get[metav1.PartialObjectMetadata](ctx, e.Kubectl, route.Resource, "-n", route.Namespace, route.Name)
}

// putsBack: weights changed by hand stay while Flux is suspended, and not any longer.
func putsBack(ctx context.Context, e *Env) error {
	if _, _, err := e.two(); err != nil {
		return err
	}
	return e.withGit(ctx, func(ctx context.Context, s *synced, _ *sources.Git) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		if err := s.suspend(ctx, true); err != nil {
			return err
		}
		edited, err := e.editByHand(ctx)
		if err != nil {
			return err
		}
		if err := s.untouched(ctx, edited); err != nil {
			return err
		}
		start := time.Now()
		if err := s.suspend(ctx, false); err != nil {
			return err
		}
		if err := e.undone(ctx, edited); err != nil {
			return err
		}
		e.Figure("a hand edit of the weights is put back %.1f s after Flux was resumed", time.Since(start).Seconds())
		if edited, err = e.editByHand(ctx); err != nil {
			return err
		}
		start = time.Now()
		err = e.undone(ctx, edited)
		e.Figure("another is put back after %.1f s, by an interval of %s", time.Since(start).Seconds(), syncEvery)
		return err
	})
}

// editByHand gives the route other weights, and returns its generation.
func (e *Env) editByHand(ctx context.Context) (int64, error) {
	stable, next, err := e.two()
	if err != nil {
		return 0, err
	}
	shares := e.other(stable, next)
	var operations []string
	for _, rule := range e.Tree.Route.Rules {
		for _, backend := range rule.Backends {
			if len(rule.Backends) > 1 {
				operations = append(operations, weighs(backend, shares[backend.Host]))
			}
		}
	}
	out, err := e.patchRoute(ctx, operations)
	if err != nil {
		return 0, err
	}
	var edited metav1.PartialObjectMetadata // of the answer itself: Flux may be at it already
	err = json.Unmarshal([]byte(out), &edited)
	return edited.Generation, err
}

// untouched wants an edit to stay for longer than Flux would let it.
func (s *synced) untouched(ctx context.Context, edited int64) error {
	if err := pause(ctx, syncEvery+dwell); err != nil {
		return err
	}
	now, err := s.route(ctx)
	if err == nil && now.Generation != edited {
		err = violated("the %s was changed %d times after the edit, while Flux was to leave it alone", s.Tree.Route.Kind, now.Generation-edited)
	}
	return err
}

// undone waits until the route is another than that of the edit, and Envoy has the tree's weights.
func (e *Env) undone(ctx context.Context, edited int64) error {
	if err := eventually(ctx, "the edit to be put back", func(ctx context.Context) error {
		now, err := e.route(ctx)
		if err == nil && now.Generation <= edited {
			err = errors.New("it is as the edit left it")
		}
		return err
	}); err != nil {
		return err
	}
	return e.routed(ctx, e.Tree.Shares())
}

// pullsArtifact: the same from a registry, and a step of the canary with it.
func pullsArtifact(ctx context.Context, e *Env) error {
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	return e.withOCI(ctx, func(ctx context.Context, s *synced) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		if err := e.routed(ctx, e.Tree.Shares()); err != nil {
			return err
		}
		return s.shift(ctx, e.other(stable, next))
	})
}

// prunes: a revision that gets nothing any more leaves the repository, and then the cluster.
func prunes(ctx context.Context, e *Env) (err error) {
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	d, err := e.documentWithout(service(stable))
	if err != nil {
		return err
	}
	after, err := e.rendered(ctx, d)
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.Ready, e.mend)
	return e.withGit(ctx, func(ctx context.Context, s *synced, repository *sources.Git) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		before, err := e.modelPods(ctx, service(stable))
		if err != nil {
			return err
		}
		answers, err := e.underLoad(ctx, "pruning "+service(stable), func(ctx context.Context) error {
			if err := s.leaves(ctx, next); err != nil {
				return err
			}
			start := time.Now()
			if err := s.replace(ctx, d, after, repository); err != nil {
				return err
			}
			e.Figure("%d objects pruned %.1f s after the commit", len(e.Tree.Without(after)), time.Since(start).Seconds())
			return e.gone(ctx, before)
		})
		return errors.Join(err, nothingLost(answers))
	})
}

// leaves gives everything to a revision, unless it has that.
func (s *synced) leaves(ctx context.Context, host string) error {
	alone := s.shares(tree.Shares{host: 100})
	if equal(alone, s.Tree.Shares()) {
		return nil
	}
	return s.shift(ctx, alone)
}

// replace commits what another document renders to in the place of what is pulled, and returns when what it does not
// have is gone.
func (s *synced) replace(ctx context.Context, d document, other *tree.Tree, repository *sources.Git) (err error) {
	if err := emptied(s.root); err != nil {
		return err
	}
	if s.copy, err = other.Copy(s.pulledFolder()); err != nil {
		return err
	}
	s.document = d
	// What must be healthy follows the revisions.
	if err := s.configure(ctx); err != nil {
		return err
	}
	revision, err := s.send(ctx, repository.Publish)
	if err != nil {
		return err
	}
	if err := s.ready(ctx, revision); err != nil {
		return err
	}
	pruned := s.Tree.Without(other)
	return eventually(ctx, fmt.Sprintf("%d objects to be pruned", len(pruned)), func(ctx context.Context) error {
		left, err := s.found(ctx, pruned)
		if err == nil && len(left) > 0 {
			err = violated("there are still %v", left)
		}
		return err
	})
}

// emptied removes all of a work tree but its repository.
func emptied(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == ".git" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(root, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

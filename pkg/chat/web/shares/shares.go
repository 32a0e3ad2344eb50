// Package shares keeps what a cluster says of a model's revisions, so that a page shows the steps of a canary as they are taken.
package shares

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/kservegen/kservegen/pkg/chat/web"
	"github.com/kservegen/kservegen/pkg/rollout/live"
)

const (
	// Every is how often a route is read again: a canary's step takes minutes.
	Every = 10 * time.Second
	// stale is how old weights may be. Counts must not be judged by those of another step; names and headers stay.
	stale = time.Minute
)

// Reader reads what a model's route says.
type Reader interface {
	Shares(ctx context.Context, namespace, model string) ([]live.Revision, error)
}

// Shares are those of one model.
type Shares struct {
	reader           Reader
	namespace, model string
	log              func(line string)
	now              func() time.Time

	mu    sync.Mutex
	known []web.Revision
	at    time.Time
	away  bool
}

var _ web.Live = (*Shares)(nil)

// New reads nothing yet. log takes a line when the cluster goes away, and one when it is back.
func New(reader Reader, namespace, model string, log func(line string), now func() time.Time) *Shares {
	return &Shares{reader: reader, namespace: namespace, model: model, log: log, now: now}
}

// Watch reads at once, and then so often until the context ends.
func (s *Shares) Watch(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		s.Read(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Read reads once.
func (s *Shares) Read(ctx context.Context) {
	found, err := s.reader.Shares(ctx, s.namespace, s.model)
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && !s.away:
		s.log(fmt.Sprintf("the shares of %s/%s cannot be read, and are not shown: %s", s.namespace, s.model, strings.ReplaceAll(err.Error(), "\n", "; ")))
	case err == nil && s.away:
		s.log(fmt.Sprintf("the shares of %s/%s are read again", s.namespace, s.model))
	}
	s.away = err != nil
	if err != nil {
		return
	}
	s.known, s.at = nil, s.now()
	for _, r := range found {
		s.known = append(s.known, revision(r))
	}
}

func revision(r live.Revision) web.Revision {
	shown := web.Revision{Name: r.Name}
	if r.Weight != nil {
		shown.Weight = *r.Weight
	}
	if r.Testers != nil {
		shown.Header, shown.Value = r.Testers.Header, r.Testers.Value
	}
	return shown
}

// Revisions are those that were read last. Their weights are unknown where that is a minute ago.
func (s *Shares) Revisions() []web.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.old()
	out := make([]web.Revision, len(s.known))
	for i, r := range s.known {
		if old {
			r.Weight = 0
		}
		out[i] = r
	}
	return out
}

// Unread is the model once its route could not be read, at first or for a minute. Before the first answer nothing is amiss yet.
func (s *Shares) Unread() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.old() && (s.away || !s.at.IsZero()) {
		return s.model
	}
	return ""
}

func (s *Shares) old() bool { return s.now().Sub(s.at) > stale }

package validate

import (
	"context"

	"github.com/kservegen/kservegen/pkg/dryrun"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
)

// CodeServer is what the current cluster refuses.
const CodeServer = "KG0040"

func serverRules() []finding.Rule {
	return []finding.Rule{{
		Code: CodeServer, Level: finding.Error, Title: "The current cluster accepts the object",
		Why: "A server-side apply with dryRun was refused: by the cluster's own schemas, its webhooks, a quota, or because its namespace isn't there yet.",
		Fix: "Do what the message says.",
	}}
}

// Server is the Check that asks a cluster about every object.
type Server struct{ Cluster *dryrun.Cluster }

// Check implements Check. Objects of namespaces that the set itself brings cannot be asked about before those exist.
func (s Server) Check(ctx context.Context, set load.Set) ([]finding.Finding, error) {
	return PerObject(s.ask).Check(ctx, set)
}

func (s Server) ask(ctx context.Context, object manifest.Resource) ([]Problem, error) {
	verdict, err := s.Cluster.Ask(ctx, object.Data)
	if err != nil || verdict.Accepted {
		return nil, err
	}
	problem := Problem{Code: CodeServer, Level: finding.Error, Message: verdict.Message}
	if len(verdict.Fields) > 0 {
		problem.Path = schema.Pointer(object.Data, verdict.Fields[0])
	}
	return []Problem{problem}, nil
}

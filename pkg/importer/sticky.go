package importer

import (
	"regexp"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// bucketSettings are the lines of a gateway's script that say which header it writes, and from what.
var bucketSettings = regexp.MustCompile(`(?m)^local bucket = "([^"\\]+)"\nlocal from = \{(cookie|claim|header) = "([^"\\]+)"\}$`)

// sticky infers spec.sticky, nil where there are no buckets.
func (s *scene) sticky() map[string]any {
	for _, r := range s.rules() {
		if r.kind == stickyRule {
			sticky := map[string]any{"header": r.header}
			put(sticky, orNil(s.stickyFrom(r.header)), "from")
			return sticky
		}
	}
	return nil
}

// stickyFrom is what the gateway makes the buckets of, nil where it makes none.
func (s *scene) stickyFrom(header string) map[string]any {
	var from map[string]any
	s.each("TrafficExtension", "extensions.istio.io/", func(r *manifest.Resource) {
		if bucket, kind, name := s.bucketOf(r); bucket == header {
			from = map[string]any{kind: name}
		}
	})
	return from
}

// bucketOf reads what a script of ours at a gateway does for the model; nothing of anybody else's.
func (s *scene) bucketOf(r *manifest.Resource) (header, kind, name string) {
	w := s.workloads[0]
	if w.model == "" || r.Name() != w.model+"."+w.object.Namespace() {
		return "", "", ""
	}
	found := bucketSettings.FindStringSubmatch(text(dig(r.Data, "spec", "lua", "inlineCode")))
	if found == nil {
		return "", "", ""
	}
	return found[1], found[2], found[3]
}

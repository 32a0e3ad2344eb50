package tree

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kservegen/kservegen/pkg/gatewayapi"
	"github.com/kservegen/kservegen/pkg/traffic"
)

// Shares are weights in percent by the host of their destination.
type Shares map[string]int

// trafficFile is the only file that a canary step changes.
const trafficFile = "patches/traffic.yaml"

// ErrNotRendered says that a tree has no kservegen.lock, so that its weights may be anywhere.
var ErrNotRendered = errors.New("it is no overlay of a tree that kservegen rendered")

// Copy copies the model's tree, base and overlays, into an empty folder and returns the same overlay of the
// copy. The tree must be one that kservegen rendered, with its lock two folders up.
func (t *Tree) Copy(dir string) (*Tree, error) {
	overlay, err := filepath.Abs(t.Dir)
	if err != nil {
		return nil, err
	}
	root := filepath.Dir(filepath.Dir(overlay))
	if _, err := os.Stat(filepath.Join(root, "kservegen.lock")); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", t.Dir, ErrNotRendered, err)
	}
	if err := os.CopyFS(dir, os.DirFS(root)); err != nil {
		return nil, err
	}
	relative, err := filepath.Rel(root, overlay)
	if err != nil {
		return nil, err
	}
	return Read(filepath.Join(dir, relative))
}

// Shift writes other weights, and the buckets that follow from them, into the overlay's traffic.yaml: one line
// for each number. It returns the lines that differ.
func (t *Tree) Shift(shares Shares) ([]string, error) {
	file := filepath.Join(t.Dir, trafficFile)
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	operations, err := readOperations(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	values, err := newValues(operations, t.inTraffic(shares))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	lines := strings.Split(string(content), "\n")
	var changed []string
	for _, value := range values {
		line := &lines[value.node.Line-1]
		was := *line
		*line = strings.Replace(was, source(value.node), value.text, 1)
		if *line != was {
			changed = append(changed, "-"+was, "+"+*line)
		}
	}
	return changed, os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644)
}

// operation is one of a JSON patch (RFC 6902).
type operation struct {
	Op, Path string
	Value    yaml.Node
}

func readOperations(content []byte) ([]operation, error) {
	var operations []operation
	return operations, yaml.Unmarshal(content, &operations)
}

// value is a new text for a scalar.
type value struct {
	node *yaml.Node
	text string
}

// inTraffic are shares by what traffic.yaml calls the hosts: an HTTPRoute names the Services themselves.
func (t *Tree) inTraffic(shares Shares) Shares {
	if t.Route.Kind != httpRoute {
		return shares
	}
	named := Shares{}
	for host, share := range shares {
		name, _, _ := strings.Cut(host, ".")
		named[name] = share
	}
	return named
}

// newValues go through the patch as it is written: each number follows a test of the host or Service that it belongs
// to, and where callers are sticky the expression of a revision's buckets follows its number.
func newValues(operations []operation, shares Shares) ([]value, error) {
	var values []value
	host := ""
	upper := 100
	for i := range operations {
		o := &operations[i]
		switch {
		case o.names():
			host = o.Value.Value
		case o.Op == "replace" && strings.HasSuffix(o.Path, "/weight"):
			share, ok := shares[host]
			if !ok {
				return nil, fmt.Errorf("line %d has a weight of %s, for which there is no new one", o.Value.Line, host)
			}
			values = append(values, value{node: &o.Value, text: strconv.Itoa(share)})
		case o.buckets():
			text := traffic.Buckets(upper-shares[host], upper)
			if strings.HasSuffix(o.Path, "/value") {
				text = gatewayapi.Whole(text)
			}
			values = append(values, value{node: &o.Value, text: quoteLike(text)})
			if last := i+1 == len(operations) || !operations[i+1].buckets(); last {
				upper -= shares[host]
			}
		}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("there is no weight")
	}
	return values, nil
}

// names says that an operation tests which revision the next ones are about.
func (o operation) names() bool {
	return o.Op == "test" && (strings.HasSuffix(o.Path, "/destination/host") || strings.HasSuffix(o.Path, "/name"))
}

// buckets says that an operation replaces the expression of a revision's buckets.
func (o operation) buckets() bool {
	return o.Op == "replace" && (strings.HasSuffix(o.Path, "/regex") || strings.HasSuffix(o.Path, "/value"))
}

// quoteLike quotes what YAML would not read as a plain text.
func quoteLike(text string) string {
	if strings.HasPrefix(text, "[") {
		return "'" + text + "'"
	}
	return text
}

// source is a scalar as it is written.
func source(node *yaml.Node) string {
	switch node.Style {
	case yaml.SingleQuotedStyle:
		return "'" + node.Value + "'"
	case yaml.DoubleQuotedStyle:
		return strconv.Quote(node.Value)
	}
	return node.Value
}

// Shares are the weights that the tree has now.
func (t *Tree) Shares() Shares {
	shares := Shares{}
	for _, rule := range t.Route.Rules {
		if len(rule.Backends) < 2 {
			continue
		}
		for _, backend := range rule.Backends {
			shares[backend.Host] = backend.Weight
		}
	}
	return shares
}

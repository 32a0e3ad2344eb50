package spec

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Auto leaves a number to the catalogue.
const Auto = "auto"

// Count is a whole number or auto; empty means left out.
type Count string

// IsAuto reports whether the number is left to the catalogue.
func (c Count) IsAuto() bool { return c == "" || c == Auto }

// Int returns the number, 0 for auto.
func (c Count) Int() int {
	n, err := strconv.Atoi(string(c))
	if err != nil {
		return 0
	}
	return n
}

// Text is a scalar taken as it is written, so that 3, 500m and "3" all work.
type Text string

// Duration is a Go duration such as 90s, 10m or 1h30m; empty means left out.
type Duration string

// Or returns the duration, or def where it is left out. A Duration that passed decoding is valid.
func (d Duration) Or(def time.Duration) time.Duration {
	v, err := time.ParseDuration(string(d))
	if err != nil {
		return def
	}
	return v
}

// Arg is the value of a server flag: a scalar or a list of scalars.
type Arg struct {
	// Values as written; one for a scalar, nil where the value was refused.
	Values []string
	// Bool is set where the value is a YAML boolean.
	Bool *bool
}

// String is the values, with blanks between.
func (a Arg) String() string { return strings.Join(a.Values, " ") }

// nodeDecoder is implemented by scalars that accept more than one YAML type.
type nodeDecoder interface {
	decodeNode(n *yaml.Node) error
}

func (c *Count) decodeNode(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("want a number or auto, got %s", kindName(n))
	}
	if n.Value == Auto {
		*c = Auto
		return nil
	}
	v, err := strconv.Atoi(n.Value)
	if err != nil || n.Tag != yaml.NodeTagInt {
		return fmt.Errorf("want a whole number or auto, got %s", describe(n))
	}
	if v < 1 {
		return fmt.Errorf("want at least 1, got %d", v)
	}
	*c = Count(strconv.Itoa(v))
	return nil
}

func (t *Text) decodeNode(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("want a string or number, got %s", kindName(n))
	}
	*t = Text(n.Value)
	return nil
}

func (d *Duration) decodeNode(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("want a duration such as 10m, got %s", kindName(n))
	}
	v, err := time.ParseDuration(n.Value)
	if err != nil {
		return fmt.Errorf("want a duration such as 90s or 10m, got %s", describe(n))
	}
	if v < time.Second || v > 24*time.Hour {
		return fmt.Errorf("want a duration from 1s to 24h, got %s", n.Value)
	}
	*d = Duration(n.Value)
	return nil
}

func (a *Arg) decodeNode(n *yaml.Node) error {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	a.Values, a.Bool = []string{}, nil
	for _, item := range items {
		if item.Kind != yaml.ScalarNode || item.Tag == yaml.NodeTagNull {
			a.Values = nil
			return fmt.Errorf("want a scalar or a list of scalars, got %s; write JSON values as a quoted string", kindName(item))
		}
		a.Values = append(a.Values, item.Value)
	}
	if n.Kind == yaml.ScalarNode && n.Tag == yaml.NodeTagBool {
		b := strings.EqualFold(n.Value, "true")
		a.Bool = &b
	}
	return nil
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.Tag == yaml.NodeTagNull {
			return "nothing"
		}
		return "a scalar"
	}
	return "something else"
}

func describe(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == yaml.NodeTagNull {
		return kindName(n)
	}
	return strconv.Quote(n.Value)
}

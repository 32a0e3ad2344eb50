package schema

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Catalog knows the kinds of one release of every product. It is safe for concurrent use.
type Catalog struct {
	entries map[schema.GroupVersionKind]entry
	// groups and kinds are for what is not known: the kinds of a group, the groups of a kind.
	groups map[string]map[string]entry

	mu       sync.Mutex
	kinds    map[schema.GroupVersionKind]*kind
	verdicts map[digest][]Problem
}

// New returns the catalog of the chosen releases; nil chooses every default. It reads the index and no schema.
func New(v Versions) (*Catalog, error) {
	entries, err := readIndex()
	if err != nil {
		return nil, err
	}
	products, err := Products()
	if err != nil {
		return nil, err
	}
	chosen, err := v.choose(products)
	if err != nil {
		return nil, err
	}
	c := &Catalog{
		entries:  map[schema.GroupVersionKind]entry{},
		groups:   map[string]map[string]entry{},
		kinds:    map[schema.GroupVersionKind]*kind{},
		verdicts: map[digest][]Problem{},
	}
	for _, e := range entries {
		if chosen[e.Product] == e.Release {
			c.add(e)
		}
	}
	return c, nil
}

func (c *Catalog) add(e entry) {
	for _, version := range e.Versions {
		c.entries[schema.GroupVersionKind{Group: e.Group, Version: version, Kind: e.Kind}] = e
	}
	if c.groups[e.Group] == nil {
		c.groups[e.Group] = map[string]entry{}
	}
	known := c.groups[e.Group][e.Kind] // native kinds have an entry for each version
	e.Versions = append(known.Versions, e.Versions...)
	c.groups[e.Group][e.Kind] = e
}

// Known says whether objects of this kind can be validated.
func (c *Catalog) Known(apiVersion, kind string) bool {
	_, err := c.lookup(apiVersion, kind)
	return err == nil
}

// Scope says whether objects of the kind live in a namespace; ok is false where the kind is not known.
func (c *Catalog) Scope(apiVersion, kind string) (namespaced, ok bool) {
	gvk, err := c.lookup(apiVersion, kind)
	return c.entries[gvk].Namespaced, err == nil
}

// Validate returns what the API server would refuse, ordered by path; nil where it would accept. Object is
// JSON-shaped with whole numbers as int64, as pkg/manifest reads it, and is not changed. A kind, version or
// misspelt group that the server does not have is a problem; ErrForeign says that nothing is known about the group.
//
// An object with the same content as one before costs a hash. The result is shared: do not change it.
func (c *Catalog) Validate(ctx context.Context, object map[string]any) ([]Problem, error) {
	if problems := c.identify(object); len(problems) > 0 {
		return problems, nil
	}
	k, err := c.kindOf(object)
	if err != nil {
		return nil, err
	}
	key, err := hash(object)
	if err != nil {
		return nil, err
	}
	if problems, ok := c.remembered(key); ok {
		return problems, nil
	}
	problems, err := k.validate(ctx, object)
	if err != nil || ctx.Err() != nil { // a cancelled CEL rule looks like a refusal
		return nil, firstError(err, ctx.Err())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.verdicts[key] = problems
	return problems, nil
}

// Default returns a copy of the object with the schema's defaults filled in, as the server stores it. Kinds of the
// API server itself get only the defaults that it publishes.
func (c *Catalog) Default(object map[string]any) (map[string]any, error) {
	k, err := c.kindOf(object)
	if err != nil {
		return nil, err
	}
	defaulted, err := copyJSON(object)
	if err != nil {
		return nil, err
	}
	k.applyDefaults(defaulted)
	return defaulted, nil
}

func (c *Catalog) remembered(key digest) ([]Problem, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	problems, ok := c.verdicts[key]
	return problems, ok
}

// kindOf returns the compiled kind of an object; the first one of a kind pays for it.
func (c *Catalog) kindOf(object map[string]any) (*kind, error) {
	apiVersion, _ := object["apiVersion"].(string)
	name, _ := object["kind"].(string)
	gvk, err := c.lookup(apiVersion, name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.kinds[gvk]; ok {
		return k, nil
	}
	k, err := load(c.entries[gvk], gvk)
	if err != nil {
		return nil, fmt.Errorf("the embedded schema of %s: %w", gvk, err)
	}
	c.kinds[gvk] = k
	return k, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

package schema

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed data
var data embed.FS

// entry is a kind in one release of a product, a line of data/index.json.
type entry struct {
	Product    string   `json:"product"`
	Release    string   `json:"release"`
	Group      string   `json:"group"`
	Kind       string   `json:"kind"`
	Versions   []string `json:"versions"`
	Namespaced bool     `json:"namespaced"`
	Data       string   `json:"data"`
}

func readIndex() ([]entry, error) {
	content, err := data.ReadFile("data/index.json")
	if err != nil {
		return nil, fmt.Errorf("the embedded schemas have no index: %w", err)
	}
	var entries []entry
	if err := json.Unmarshal(content, &entries); err != nil {
		return nil, fmt.Errorf("the embedded index: %w", err)
	}
	return entries, nil
}

// Product is something that brings kinds to a cluster.
type Product struct {
	Name string
	// Releases that are known, the default first.
	Releases []string
}

// Products lists what is known, in the order of e2e/tools/schemas/sources.yaml.
func Products() ([]Product, error) {
	entries, err := readIndex()
	if err != nil {
		return nil, err
	}
	return products(entries), nil
}

func products(entries []entry) []Product {
	var known []Product
	for _, e := range entries {
		at := slices.IndexFunc(known, func(p Product) bool { return p.Name == e.Product })
		if at < 0 {
			known = append(known, Product{Name: e.Product})
			at = len(known) - 1
		}
		if !slices.Contains(known[at].Releases, e.Release) {
			known[at].Releases = append(known[at].Releases, e.Release)
		}
	}
	return known
}

// Versions chooses releases by product, for example {"kserve": "0.19"}. A product that is left out has its default.
type Versions map[string]string

// choose returns the release of every product.
func (v Versions) choose(known []Product) (map[string]string, error) {
	chosen := make(map[string]string, len(known))
	names := make([]string, 0, len(known))
	for _, p := range known {
		names = append(names, p.Name)
		chosen[p.Name] = p.Releases[0]
		release, ok := v[p.Name]
		if !ok || release == "" {
			continue
		}
		if !slices.Contains(p.Releases, release) {
			return nil, fmt.Errorf("%s %s is not known; choose one of %s", p.Name, release, strings.Join(p.Releases, ", "))
		}
		chosen[p.Name] = release
	}
	for name := range v {
		if _, ok := chosen[name]; !ok {
			return nil, fmt.Errorf("there are no schemas of %s; known products: %s", name, strings.Join(names, ", "))
		}
	}
	return chosen, nil
}

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

func readIndex() ([]entry, error) { return readList[entry]("data/index.json") }

func readList[T any](name string) ([]T, error) {
	content, err := data.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("the embedded schemas have no %s: %w", name, err)
	}
	var list []T
	if err := json.Unmarshal(content, &list); err != nil {
		return nil, fmt.Errorf("the embedded %s: %w", name, err)
	}
	return list, nil
}

// Product is something that brings kinds to a cluster, a line of data/products.json.
type Product struct {
	Name string `json:"name"`
	// Releases that are known, the default first.
	Releases []string `json:"releases"`
}

// Products lists what is known, in the order of e2e/tools/schemas/sources.yaml. It is cheap: every start of the
// command line asks.
func Products() ([]Product, error) { return readList[Product]("data/products.json") }

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

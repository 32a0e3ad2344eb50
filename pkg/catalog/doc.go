// Package catalog holds facts as data with their sources: models and the layouts that serve them, their config.json
// and weights, and accelerators and the nodes that have them. The figures stand in data/*.yaml, beside where each
// comes from.
//
// The data is read on the first call and never changes. A zero or empty value means that no source was found.
package catalog

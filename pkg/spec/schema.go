package spec

import _ "embed"

//go:embed schema.json
var schemaJSON string

// Schema returns the JSON schema of the document. It is generated from the types in this package by
// `make generate`; a test compares.
func Schema() string { return schemaJSON }

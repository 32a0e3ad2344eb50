package manifest

// Object is one Kubernetes object and the comments that explain it to a reader of its file.
type Object struct {
	// File is the name of its file without extension, for example inferenceservice-v1.
	File string
	// Typed is a pointer to the upstream Go type; objects are compared by it before they are converted.
	Typed any
	// Explicit holds, by JSON pointer, zero values that must stand in the file although the type's JSON
	// encoding leaves them out: the weight 0 of a route.
	Explicit map[string]any
	// Absent lists, by JSON pointer, empty values that the type's JSON encoding prints and the file need not have.
	Absent   []string
	Comments Comments
}

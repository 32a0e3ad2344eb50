package manifest

import "fmt"

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

// Data is the object as its file has it: what the type encodes to, with what is Explicit and without what is Absent.
func (o Object) Data(c *Converter) (map[string]any, error) {
	data, err := c.Convert(o.Typed)
	if err != nil {
		return nil, fmt.Errorf("converting %s: %w", o.File, err)
	}
	for pointer, value := range o.Explicit {
		if err := SetValue(data, pointer, value); err != nil {
			return nil, fmt.Errorf("%s: %w", o.File, err)
		}
	}
	for _, pointer := range o.Absent {
		if err := removeField(data, pointer); err != nil {
			return nil, fmt.Errorf("%s: %w", o.File, err)
		}
	}
	return data, nil
}

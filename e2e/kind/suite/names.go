package suite

import "github.com/google/go-containerregistry/pkg/name"

// qualified is the full name of an image, as a node has it: docker.io in front where no registry is named.
func qualified(image string) string {
	reference, err := name.ParseReference(image, name.WithDefaultRegistry("docker.io"))
	if err != nil {
		return image
	}
	return reference.Name()
}

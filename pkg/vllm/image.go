package vllm

import (
	"regexp"
	"strings"
)

// What vLLM calls its images and adds to their tags: vllm .buildkite/scripts/publish-release-images.sh, and -rocm72 and the
// like in its documentation. The Neuron image's tag begins with the version of the vLLM inside; that of its plugin follows.
var (
	ownImage  = regexp.MustCompile(`^vllm-openai(-rocm|-xpu|-cpu)?$`)
	ownSuffix = regexp.MustCompile(`^(-(x86_64|aarch64|arm64|cu\d{3}|rocm\d{2,3}|ubuntu\d{4}))*$`)
	neuronTag = regexp.MustCompile(`^\d+\.\d+\.\d+`)
)

const neuronImage = "pytorch-inference-vllm-neuronx"

// FromImage returns the release of vLLM that an image's reference names, in any registry and with a digest behind the tag or not.
// False for images of another name, for a digest alone, and for a tag that names no release that is known. An image that is built
// on vLLM's, by its name or its tag, may have plugins in it: what such a release is said to lack is unsure.
func FromImage(image string) (*Release, bool, error) {
	image, _, _ = strings.Cut(image, "@")
	name, tag, _ := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	switch {
	case name == neuronImage:
		tag = neuronTag.FindString(tag)
	case !strings.HasPrefix(name, "vllm-openai"):
		return nil, false, nil
	}
	release, ok, err := Find(tag)
	if err != nil || !ok {
		return nil, false, err
	}
	release.extended = !ownImage.MatchString(name) || !ownSuffix.MatchString(strings.TrimPrefix(strings.TrimPrefix(tag, "v"), release.Asked))
	return release, true, nil
}

// Extended reports whether the image may add flags, values and metrics to the release's.
func (r *Release) Extended() bool { return r.extended }

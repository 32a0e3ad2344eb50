package suite

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kservegen/kservegen/e2e/cluster/image"
	"github.com/kservegen/kservegen/e2e/kind/install"
)

// packed is a pinned program as an image, and where the files of its module are.
type packed struct {
	dir   string
	image image.Image
}

// pack packs the program of that name, of a module that a folder of the pins has. The image has its version in its name: a pod of
// another one is replaced.
func (s *Suite) pack(ctx context.Context, folder, module, program string, files ...image.File) (packed, error) {
	m, err := s.tools.Module(ctx, folder, module)
	if err != nil {
		return packed{}, err
	}
	path, err := s.tools.Tool(program)
	if err != nil {
		return packed{}, err
	}
	const home = "/tmp"
	inside := "/bin/" + program
	return packed{dir: m.Dir, image: image.Image{
		Name:  install.Registry + "/" + program + ":" + m.Version,
		Files: append([]image.File{image.Program(inside, path), image.Dir(home, 0o1777, 0)}, files...),
		Config: v1.Config{
			Entrypoint: []string{inside}, User: "65534:65534",
			Env: []string{"PATH=/bin", "HOME=" + home},
		},
	}}, nil
}

package suite

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kservegen/kservegen/e2e/cluster/image"
	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/tools"
)

// program is one that only some runs need: its name among the tools, and its module, which a folder of the pins has.
type program struct {
	name, folder, module string
	// files are in its image beside it.
	files []image.File
}

// packed is a program's image, and where the files of its module are.
type packed struct {
	dir   string
	image image.Image
}

// extra builds the programs of a set and gives them to the nodes, once in a run, and puts them into the cluster as they are
// pinned, each time.
func (s *Suite) extra(ctx context.Context, set tools.Set, title string, programs []program, put func(map[string]packed) error) error {
	if !s.extras[title] {
		if err := s.tools.Add(ctx, set); err != nil {
			return err
		}
	}
	return s.tools.Phase(title, func() error {
		all := map[string]packed{}
		var images []image.Image
		for _, p := range programs {
			one, err := s.pack(ctx, p)
			if err != nil {
				return err
			}
			all[p.name] = one
			images = append(images, one.image)
		}
		if !s.extras[title] {
			if err := s.cluster.Load(ctx, images...); err != nil {
				return err
			}
			s.extras[title] = true
		}
		return put(all)
	})
}

// pack makes an image. It has its version in its name: a pod of another one is replaced.
func (s *Suite) pack(ctx context.Context, p program) (packed, error) {
	m, err := s.tools.Module(ctx, p.folder, p.module)
	if err != nil {
		return packed{}, err
	}
	path, err := s.tools.Tool(p.name)
	if err != nil {
		return packed{}, err
	}
	const home = "/tmp"
	inside := "/bin/" + p.name
	return packed{dir: m.Dir, image: image.Image{
		Name:  install.Registry + "/" + p.name + ":" + m.Version,
		Files: append([]image.File{image.Program(inside, path), image.Dir(home, 0o1777, 0)}, p.files...),
		Config: v1.Config{
			Entrypoint: []string{inside}, User: "65534:65534",
			Env: []string{"PATH=/bin", "HOME=" + home},
		},
	}}, nil
}

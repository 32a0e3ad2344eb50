package sources

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Tag is the one that the artifact has.
const Tag = "latest"

// The media types by which `flux push artifact` marks what it pushes (fluxcd/pkg/oci, CanonicalConfigMediaType and
// CanonicalContentMediaType).
const (
	configType  types.MediaType = "application/vnd.cncf.flux.config.v1+json"
	contentType types.MediaType = "application/vnd.cncf.flux.content.v1.tar+gzip"
)

// OCI is an artifact of a folder, and the registry in memory that it is pulled from.
type OCI struct {
	*server
	dir string
	// write is a way into the registry that pods don't have.
	write http.RoundTripper
}

// NewOCI serves an empty registry at that address of this machine.
func NewOCI(ctx context.Context, dir, host string) (*OCI, error) {
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s, err := serve(ctx, host, readOnly(handler))
	return &OCI{server: s, dir: dir, write: direct{handler}}, err
}

// URL is the artifact's without its tag.
func (o *OCI) URL() string { return "oci://" + o.repository() }

func (o *OCI) repository() string { return o.address + "/tree" }

// Publish pushes what is in the folder, and returns the revision as Flux names it.
func (o *OCI) Publish(ctx context.Context) (string, error) {
	artifact, err := pack(o.dir)
	if err != nil {
		return "", err
	}
	tag, err := name.NewTag(o.repository()+":"+Tag, name.Insecure)
	if err != nil {
		return "", err
	}
	if err := remote.Write(tag, artifact, remote.WithContext(ctx), remote.WithTransport(o.write)); err != nil {
		return "", err
	}
	digest, err := artifact.Digest()
	return Tag + "@" + digest.String(), err
}

// pack is the folder as an artifact of one layer.
func pack(dir string) (v1.Image, error) {
	var content bytes.Buffer
	packed := gzip.NewWriter(&content)
	archive := tar.NewWriter(packed)
	err := archive.AddFS(os.DirFS(dir))
	if err = errors.Join(err, archive.Close(), packed.Close()); err != nil {
		return nil, err
	}
	artifact := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), configType)
	return mutate.AppendLayers(artifact, static.NewLayer(content.Bytes(), contentType))
}

// readOnly answers what only asks.
func readOnly(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "this registry is read only", http.StatusMethodNotAllowed)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

package spec

import (
	"cmp"
	"reflect"
	"regexp"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// Download is a Job that brings the weights to the folder of a pvc:// source, checks them, and gives the folder its name
// when all of it is there. The servers wait for that. The Job goes on where an earlier run of it stopped, file by file.
type Download struct {
	// From is where the weights come from: hf://<organisation>/<name>:<commit> or s3://<bucket>/<prefix>. Default:
	// hf://<id>:<revision>, with the catalogue's revision where the document has none.
	From string `json:"from,omitempty"`
	// User is the uid of the Job. Default: 1000; 0, without any capability, where the root of the file system belongs to
	// root: FSx, and EFS without an access point.
	User *int `json:"user,omitempty" jsonschema:"minimum=0"`
}

// downloadUser is the Job's uid where the folder may belong to anybody.
const downloadUser = 1000

var (
	commitID   = regexp.MustCompile(`^[0-9a-f]{40}$`)
	folderName = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)*$`)
)

// checkDownload fills in the defaults of a download and checks that it can fill what the servers mount.
func (r *resolver) checkDownload(scheme string, model catalog.Model) {
	const path = "spec.model.download"
	m := &r.spec.Model
	d := m.Download
	if d == nil {
		return
	}
	if scheme != "pvc" {
		r.failf(path, "fills the folder of a pvc:// source; this one is %s://", scheme)
		return
	}
	if folder := m.Folder(); !folderName.MatchString(folder) {
		r.failf("spec.model.source", "a download wants pvc://<claim>/<folder>, the folder of letters, digits and ._-/; got %q", m.Source)
	}
	if v := m.Volume; v != nil && v.EBS != nil {
		r.failf(path, "a volume of a snapshot has what the snapshot has; make a snapshot of a volume that a download filled")
		return
	}
	if v := m.Volume; v != nil && v.AccessMode == "ReadOnlyMany" {
		r.failf("spec.model.volume.accessMode", "the download writes; use ReadWriteMany, or ReadWriteOnce on one node")
	}
	r.downloadFrom(d, model)
	if d.User == nil {
		user := downloadUser
		if v := m.Volume; v != nil && (v.FSx != nil || v.EFS != nil && v.EFS.AccessPointID == "") {
			user = 0
		}
		d.User = &user
	} else if *d.User < 0 {
		r.failf(path+".user", "%d is not a uid", *d.User)
	}
}

// downloadFrom wants a source whose bytes are the same on every run.
func (r *resolver) downloadFrom(d *Download, model catalog.Model) {
	const path = "spec.model.download.from"
	if d.From == "" {
		d.From = "hf://" + r.spec.Model.ID + ":" + cmp.Or(r.spec.Model.Revision, model.Revision)
	}
	scheme, rest, _ := strings.Cut(d.From, "://")
	if strings.Contains(rest, "@") { // and is not repeated
		r.failf(path, "holds a user or a password; name a Secret in model.secret instead")
		return
	}
	r.checkPlain(path, d.From)
	switch scheme {
	case "s3":
		if !s3URI.MatchString(d.From) || !strings.Contains(strings.Trim(rest, "/"), "/") {
			r.failf(path, "want s3://<bucket>/<prefix>, got %q", d.From)
		}
	case "hf":
		repository, commit, _ := strings.Cut(rest, ":")
		if !repositoryID.MatchString(repository) {
			r.failf(path, "want hf://<organisation>/<name>:<commit>, got %q", d.From)
		} else if !commitID.MatchString(commit) {
			r.failf(path, "want a commit of 40 digits after %s: of anything else another run may bring other weights; or set spec.model.revision", repository)
		}
	default:
		r.failf(path, "want hf:// or s3://, got %q", d.From)
	}
}

// checkDownloads wants one origin of a folder.
func (r *resolver) checkDownloads(revisions []RevisionTarget) {
	last := revisions[len(revisions)-1]
	for _, other := range revisions[:len(revisions)-1] {
		if last.Model.Download == nil || last.Model.Claim() == "" || other.Model.Claim() != last.Model.Claim() {
			continue
		}
		if other.Model.Download != nil && within(last.Model, other.Model) {
			r.failf("spec.model.download", "revision %s fills %s, and one is in the other: what waits for the outer one starts with the inner one; put them side by side", other.Name, other.Model.Source)
		}
		if other.Model.Folder() != last.Model.Folder() {
			continue
		}
		if !reflect.DeepEqual(other.Model.Download, last.Model.Download) {
			r.failf("spec.model.download", "revision %s has the same folder, %s, with another download; give each its own folder", other.Name, last.Model.Source)
		}
	}
}

// within reports that the folder of one model lies in that of the other.
func within(a, b Model) bool {
	return a.Folder() != b.Folder() && (strings.HasPrefix(a.Folder(), b.Folder()+"/") || strings.HasPrefix(b.Folder(), a.Folder()+"/"))
}

// Bucket is what the model reads of S3, and by whom.
type Bucket struct {
	// Name of the bucket, and Prefix in it without slashes at its ends; empty for all of it.
	Name, Prefix string
	// Initializer reports that KServe's storage-initializer reads, which asks for the bucket itself first.
	Initializer bool
}

// Bucket of a model; the second result is false for one that reads nothing of S3.
func (m Model) Bucket() (Bucket, bool) {
	uri := m.Source
	if m.Download != nil {
		uri = m.Download.From
	}
	rest, ok := strings.CutPrefix(uri, "s3://")
	name, prefix, _ := strings.Cut(rest, "/")
	return Bucket{name, strings.Trim(prefix, "/"), m.Download == nil && !m.Streamed}, ok && m.Cache == nil
}

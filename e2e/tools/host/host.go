// Package host says, before anything is built, what a machine lacks and the one command that gets it.
package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Package is a Debian package that provides something.
type Package struct {
	// Name is the package's in Debian 12 and later.
	Name string
	// provides are programs on the PATH, or patterns of absolute paths one of which must be there.
	provides []string
}

// Build is what compiling runc takes (it is the one program with cgo).
func Build() []Package {
	return []Package{
		{Name: "gcc", provides: []string{"gcc"}},
		{Name: "libc6-dev", provides: []string{"/usr/include/stdlib.h", "/usr/include/*/stdlib.h"}},
		{Name: "libseccomp-dev", provides: []string{"/usr/lib/*/libseccomp.a", "/usr/lib/libseccomp.a", "/usr/lib64/libseccomp.a"}},
		{Name: "pkg-config", provides: []string{"pkg-config"}},
	}
}

// Wheel is what fetching a Python wheel takes.
func Wheel() []Package {
	return []Package{{Name: "python3-pip", provides: []string{"pip3"}}}
}

// Base is what making a root file system of Debian takes.
func Base() []Package {
	return []Package{{Name: "debootstrap", provides: []string{"debootstrap"}}}
}

// Node is what running nodes in podman takes. netavark calls iptables;
// aardvark-dns lets the nodes find each other by name.
func Node() []Package {
	return []Package{
		{Name: "podman", provides: []string{"podman"}},
		{Name: "netavark", provides: []string{"/usr/lib/podman/netavark", "/usr/libexec/podman/netavark"}},
		{Name: "aardvark-dns", provides: []string{"/usr/lib/podman/aardvark-dns", "/usr/libexec/podman/aardvark-dns"}},
		{Name: "iptables", provides: []string{"iptables"}},
	}
}

// Missing lists the names of the packages that this machine lacks.
func Missing(wanted []Package) []string {
	var missing []string
	for _, p := range wanted {
		if !p.installed() && !slices.Contains(missing, p.Name) {
			missing = append(missing, p.Name)
		}
	}
	return missing
}

// Check returns an error that names what is missing, and the command that installs all of it.
func Check(wanted []Package) error {
	missing := Missing(wanted)
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("this machine lacks %s; on Debian, as root: apt-get update && apt-get install -y --no-install-recommends %s",
		strings.Join(missing, ", "), strings.Join(missing, " "))
}

// Root refuses a user who may not make device files, mount and change namespaces.
func Root() error {
	if os.Geteuid() != 0 {
		return errors.New("the cluster suite makes a root file system of Debian, which root alone may (device files, mounts): run this as root")
	}
	return nil
}

func (p Package) installed() bool {
	for _, thing := range p.provides {
		if !filepath.IsAbs(thing) {
			if _, err := exec.LookPath(thing); err == nil {
				return true
			}
			continue
		}
		if found, err := filepath.Glob(thing); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

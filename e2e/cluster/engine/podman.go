package engine

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/sys/unix"
)

// containers is the part of containers.conf(5) that is set.
type containers struct {
	Containers struct {
		DefaultUlimits []string `toml:"default_ulimits"`
	} `toml:"containers"`
	Engine struct {
		Runtime       string              `toml:"runtime"`
		Runtimes      map[string][]string `toml:"runtimes"`
		CgroupManager string              `toml:"cgroup_manager"`
		EventsLogger  string              `toml:"events_logger"`
		LockType      string              `toml:"lock_type"`
		TmpDir        string              `toml:"tmp_dir"`
		StopTimeout   int                 `toml:"stop_timeout"`
	} `toml:"engine"`
	Network struct {
		Backend   string `toml:"network_backend"`
		ConfigDir string `toml:"network_config_dir"`
	} `toml:"network"`
}

// storage is the part of containers-storage.conf(5) that is set.
type storage struct {
	Storage struct {
		Driver    string `toml:"driver"`
		GraphRoot string `toml:"graphroot"`
		RunRoot   string `toml:"runroot"`
	} `toml:"storage"`
}

// Podman is one whose images, containers and networks lie under the folder, and what must not outlive a boot under
// /run/kservegen. With the machine's podman it shares what no setting moves: the addresses that are taken
// (/run/containers/networks), runc's state (/run/runc) and the files of network namespaces (/run/netns). The runtime
// is the runc that the nodes have, too.
func Podman(dir, runc string) (Engine, error) {
	c, err := settings(dir, runc)
	if err != nil {
		return Engine{}, err
	}
	var s storage
	s.Storage.Driver = "overlay"
	s.Storage.GraphRoot = filepath.Join(dir, "storage")
	s.Storage.RunRoot = filepath.Join(RunDir(dir), "storage")
	paths := map[string]any{"containers.conf": c, "storage.conf": s}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Engine{}, err
	}
	for name, value := range paths {
		content, err := toml.Marshal(value)
		if err != nil {
			return Engine{}, err
		}
		if err := write(filepath.Join(dir, name), content); err != nil {
			return Engine{}, err
		}
	}
	return Engine{Program: "podman", Env: []string{
		"KIND_EXPERIMENTAL_PROVIDER=podman",
		"CONTAINERS_CONF=" + filepath.Join(dir, "containers.conf"),
		"CONTAINERS_STORAGE_CONF=" + filepath.Join(dir, "storage.conf"),
	}}, nil
}

// write changes a file only where it differs, and at once: a podman may run that reads it, and would take the
// machine's storage where it reads of none.
func write(path string, content []byte) error {
	if was, err := os.ReadFile(path); err == nil && bytes.Equal(was, content) {
		return nil
	}
	partial := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(partial, content, 0o644); err != nil {
		return err
	}
	return os.Rename(partial, path)
}

// RunDir is where the podman of that folder has what must not outlive a boot: short, since the names of sockets under it may have 107 bytes (unix(7)).
func RunDir(dir string) string {
	return filepath.Join("/run", "kservegen", fmt.Sprintf("%x", sha256.Sum256([]byte(dir)))[:8])
}

func settings(dir, runc string) (containers, error) {
	var c containers
	// podman asks for more than this machine's limits where it isn't told, which takes CAP_SYS_RESOURCE.
	for name, resource := range map[string]int{"nofile": unix.RLIMIT_NOFILE, "nproc": unix.RLIMIT_NPROC} {
		limit, err := hardLimit(resource)
		if err != nil {
			return c, fmt.Errorf("reading the limit of %s: %w", name, err)
		}
		c.Containers.DefaultUlimits = append(c.Containers.DefaultUlimits, name+"="+limit+":"+limit)
	}
	// crun, Debian's default, refuses the mix of cgroup v1 and v2 that some machines have.
	c.Engine.Runtime = "runc"
	c.Engine.Runtimes = map[string][]string{"runc": {runc}}
	c.Engine.CgroupManager = "cgroupfs" // systemd need not run
	c.Engine.EventsLogger = "file"
	c.Engine.LockType = "file" // the other kind is shared with the machine's podman
	c.Engine.TmpDir = filepath.Join(RunDir(dir), "libpod")
	c.Engine.StopTimeout = 1 // seconds; what is removed need not end in order
	c.Network.Backend = "netavark"
	c.Network.ConfigDir = filepath.Join(dir, "networks")
	return c, nil
}

// most is what a node needs at the most, and no more than a kernel's default of kernel.pid_max.
const most = 1<<15 - 1

// hardLimit is half of what this process may have, and no more than most: podman lowers its own limits before the runtime starts, and
// the runtime fails at what it was left with ("error setting rlimits for ready process").
func hardLimit(resource int) (string, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(resource, &limit); err != nil {
		return "", err
	}
	return strconv.FormatUint(min(limit.Max/2, most), 10), nil
}

package suite

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/kservegen/kservegen/e2e/tools"
)

// web installs the packages of the tests in a browser, and returns their folder. Node.js and Chromium are the machine's.
func (s *Suite) web(ctx context.Context) (string, error) {
	for _, program := range []string{"node", "npm", cmp.Or(os.Getenv("CHROMIUM"), "chromium")} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("a browser judges the page, and %w: `make web-packages` installs what it takes", err)
		}
	}
	dir := filepath.Join(s.Root, "e2e", "web")
	return dir, s.tools.Phase("browser's packages", func() error {
		cmd := tools.Command(ctx, "npm", "ci", "--omit=optional", "--silent")
		cmd.Dir = dir
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("npm ci in %s: %w\n%s", dir, err, said)
		}
		return nil
	})
}

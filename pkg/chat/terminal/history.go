package terminal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/secret"
)

// historyLimit is how many prompts are kept.
const historyLimit = 1000

// History keeps prompts in a file that its user alone may read. What looks like a secret is not kept, nor are the signs of
// pastes, which mean nothing later.
type History struct {
	file  string
	lines []string
	// failed is told of the first prompt that could not be kept.
	failed func(error)
}

// OpenHistory reads a file, which need not be there yet.
func OpenHistory(file string, failed func(error)) (*History, error) {
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		if err = os.Chmod(file, 0o600); err != nil {
			return nil, fmt.Errorf("a history is for its user alone: %w", err)
		}
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
	return &History{file: file, lines: lines[max(0, len(lines)-historyLimit):], failed: failed}, nil
}

// Add keeps a prompt.
func (h *History) Add(line string) {
	if strings.TrimSpace(line) == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	h.lines = h.lines[max(0, len(h.lines)-historyLimit):]
	if secret.Hide(line, "") != line || strings.Contains(line, "[paste ") {
		return
	}
	if err := h.append(line); err != nil && h.failed != nil {
		h.failed(err)
		h.failed = nil
	}
}

func (h *History) append(line string) error {
	file, err := os.OpenFile(h.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(line + "\n")
	return errors.Join(err, file.Close())
}

// Len is how many prompts there are.
func (h *History) Len() int { return len(h.lines) }

// At returns a prompt; 0 is the last one.
func (h *History) At(i int) string { return h.lines[len(h.lines)-1-i] }

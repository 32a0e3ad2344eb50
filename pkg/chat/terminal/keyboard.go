package terminal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

const (
	ctrlC = 0x03
	ctrlD = 0x04
	// interrupt stands for Ctrl-C on its way through the editor, which would end at Ctrl-C itself. It is Ctrl-G, which
	// does nothing: one that is typed is left out.
	interrupt = 0x07
	// lineLimit is how many characters the editor takes (golang.org/x/term, maxLineLength).
	lineLimit = 4096
	// pasteInline is how many bytes of a paste are put into the line itself.
	pasteInline = 1000
	pasteLimit  = 16 << 20
)

var (
	pasteStart = []byte("\x1b[200~")
	pasteEnd   = []byte("\x1b[201~")
)

// Keyboard reads prompts from a terminal in raw mode: with editing and history by golang.org/x/term, which is a dependency
// already and kept by Go's own people.
//
// What x/term does not do is done before the keys come to it: Ctrl-C stops an answer; a large paste, or one of several lines,
// is one thing in the prompt and is not typed letter by letter.
type Keyboard struct {
	editor *term.Terminal
	// interrupted is called for Ctrl-C while nobody reads a line.
	interrupted func()

	mu      sync.Mutex
	more    *sync.Cond
	keys    []byte
	closed  bool
	reading bool
	// partial is what may be the begin of a mark, pasting the text of a paste that has not ended.
	partial []byte
	pasting bool
	paste   []byte
	pastes  []string
	// empty counts interrupts of an empty line.
	empty int
	// full is set when a line did not take a character.
	full bool
}

// NewKeyboard reads keys until they end. Size is the terminal's, in characters.
func NewKeyboard(keys io.Reader, out io.Writer, width, height int, interrupted func(), complete func(string) string) *Keyboard {
	k := &Keyboard{interrupted: interrupted}
	k.more = newCond(k)
	k.editor = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{k, out}, "")
	k.editor.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		return k.key(line, pos, key, complete)
	}
	k.Resize(width, height)
	k.editor.SetBracketedPasteMode(true)
	go k.pump(keys)
	return k
}

func newCond(k *Keyboard) *sync.Cond { return sync.NewCond(&k.mu) }

// Resize says how large the terminal is now.
func (k *Keyboard) Resize(width, height int) {
	if width > 0 && height > 0 {
		_ = k.editor.SetSize(width, height)
	}
}

// Remember makes the editor keep its history there.
func (k *Keyboard) Remember(h term.History) { k.editor.History = h }

// Close ends reading, and leaves the terminal as it was but for raw mode.
func (k *Keyboard) Close() {
	k.editor.SetBracketedPasteMode(false)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	k.more.Broadcast()
}

// Write prints, with the prompt below it where there is one.
func (k *Keyboard) Write(p []byte) (int, error) { return k.editor.Write(p) }

// ReadLine returns a prompt without its end, and io.EOF where the user leaves.
func (k *Keyboard) ReadLine(ctx context.Context, prompt string) (string, error) {
	defer context.AfterFunc(ctx, k.Close)()
	k.set(true)
	defer k.set(false)
	k.editor.SetPrompt(prompt)
	for {
		line, err := k.editor.ReadLine()
		if errors.Is(err, term.ErrPasteIndicator) {
			err = nil
		}
		if !k.cut() || err != nil {
			return k.expand(line), err
		}
		fmt.Fprintf(k.editor, "! that was longer than the %d characters that a line takes, and was not sent: paste it in a terminal that marks pastes, or use --once\n", lineLimit)
	}
}

// cut reports that the line that was read is not whole.
func (k *Keyboard) cut() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	full := k.full
	k.full, k.empty = false, 0
	return full
}

func (k *Keyboard) set(reading bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reading = reading
}

// Read gives keys to the editor.
func (k *Keyboard) Read(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.keys) == 0 && !k.closed {
		k.more.Wait()
	}
	if len(k.keys) == 0 || len(p) == 0 {
		return 0, io.EOF
	}
	n := copy(p, k.keys)
	k.keys = k.keys[n:]
	return n, nil
}

func (k *Keyboard) pump(in io.Reader) {
	block := make([]byte, 64<<10)
	for {
		n, err := in.Read(block)
		stop := k.feed(block[:n])
		if stop {
			k.interrupted()
		}
		if err != nil {
			k.mu.Lock()
			k.closed = true
			k.more.Broadcast()
			k.mu.Unlock()
			return
		}
	}
}

// feed takes keys and reports whether an answer is to be stopped.
func (k *Keyboard) feed(block []byte) (stop bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	block = append(k.partial, block...)
	k.partial = nil
	for len(block) > 0 {
		mark := pasteStart
		if k.pasting {
			mark = pasteEnd
		}
		before, after, found := bytes.Cut(block, mark)
		if !found {
			before, k.partial = holdMark(block, mark)
		}
		switch {
		case k.pasting:
			k.paste = append(k.paste, before[:min(len(before), pasteLimit+1-len(k.paste))]...)
		default:
			stop = k.typed(before) || stop
		}
		if found && k.pasting {
			k.pasted()
		}
		if found {
			k.pasting = !k.pasting
		}
		block = after
	}
	k.more.Broadcast()
	return stop
}

// holdMark parts a block before what may be the begin of a mark. An escape alone waits, too: as a key it means nothing.
func holdMark(block, mark []byte) (sure, held []byte) {
	for n := min(len(block), len(mark)-1); n > 0; n-- {
		if bytes.HasSuffix(block, mark[:n]) {
			return block[:len(block)-n], bytes.Clone(block[len(block)-n:])
		}
	}
	return block, nil
}

func (k *Keyboard) typed(keys []byte) (stop bool) {
	for _, key := range keys {
		switch {
		case key == ctrlC && k.reading:
			k.keys = append(k.keys, interrupt)
		case key == ctrlC:
			stop = true
			k.keys = nil // what was typed ahead is not for the next prompt
		case key != interrupt:
			k.keys = append(k.keys, key)
		}
	}
	return stop
}

// pasted puts a paste into the line: itself, or a sign for it.
func (k *Keyboard) pasted() {
	text := strings.ReplaceAll(strings.ReplaceAll(string(k.paste), "\r\n", "\n"), "\r", "\n")
	text = strings.ToValidUTF8(text, "\ufffd")
	over := len(k.paste) > pasteLimit
	k.paste = nil
	if len(text) <= pasteInline && !strings.ContainsFunc(text, unicode.IsControl) {
		k.keys = append(k.keys, text...)
		return
	}
	if over {
		text = ""
	}
	k.pastes = append(k.pastes, text)
	k.keys = append(k.keys, k.sign(len(k.pastes)-1)...)
}

// sign stands for a paste in a line.
func (k *Keyboard) sign(i int) string {
	text := k.pastes[i]
	if text == "" {
		return fmt.Sprintf("[paste %d: left out, it is over 16 MiB]", i+1)
	}
	return fmt.Sprintf("[paste %d: %d characters, %d lines]", i+1, utf8.RuneCountInString(text), strings.Count(strings.TrimRight(text, "\n"), "\n")+1)
}

// expand puts pastes in the place of their signs.
func (k *Keyboard) expand(line string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, text := range k.pastes {
		line = strings.ReplaceAll(line, k.sign(i), text)
	}
	return line
}

// key is asked by the editor about every key that it does not know, and about those that are printed.
func (k *Keyboard) key(line string, pos int, key rune, complete func(string) string) (string, int, bool) {
	switch {
	case key == interrupt && line == "":
		k.leave()
		return "", 0, true
	case key == interrupt:
		return "", 0, true
	case key == '\t' && pos == len(line):
		completed := complete(line)
		return completed, len(completed), completed != line
	case utf8.RuneCountInString(line) >= lineLimit && unicode.IsPrint(key):
		k.mu.Lock()
		k.full = true
		k.mu.Unlock()
	}
	return "", 0, false
}

// leave ends at the second interrupt of an empty line.
func (k *Keyboard) leave() {
	k.mu.Lock()
	k.empty++
	second := k.empty > 1
	if second {
		k.keys = append([]byte{ctrlD}, k.keys...)
	}
	k.mu.Unlock()
	if !second {
		fmt.Fprintln(k.editor, "Once more, or Ctrl-D, leaves.")
	}
}

// Package browser drives a real Chromium on a page of the cluster, by e2e/web/cluster/drive.mjs.
package browser

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kservegen/kservegen/e2e/tools"
)

// Visit is where a person goes, and as whom.
type Visit struct {
	// Link is what they open, as http://chat.example.com/.
	Link string `json:"link"`
	// Addresses are where hosts really are, by host and port: chat.example.com:80 at 10.89.0.2:30080. The page may ask no others.
	Addresses map[string]string `json:"addresses"`
	// User and Password are what they type where the browser asks; without a user they type nothing.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
}

// Browser is one with the page open. Its methods are used one at a time.
type Browser struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
	said  bytes.Buffer
}

// View is what a person sees.
type View struct {
	Answers   []Answer
	Revisions []Revision
	// Asked is how often the page has asked for an answer.
	Asked int
	// User is who is signed in, as the page says; empty where it says nobody.
	User string
	// Notes are below the panel's table; Problem is what the page says of itself.
	Notes   []string
	Problem string
}

// Answer is one of the conversation. State is streaming, done, stopped, cut or failed; Trouble is what is said about it below.
type Answer struct {
	State, Revision, Pod, Text, Trouble string
	// Retry says that it can be asked for again.
	Retry bool
}

// Revision is a column of the panel: how many answers by weight it gave, how many errors there were, and the route's share in percent.
type Revision struct {
	Name                   string
	Answers, Route, Errors int
}

// patience is how long a command may take: as long as an answer that is waited for, and a browser's start.
const patience = 90 * time.Second

// Open starts a browser that visits a page. The folder is that of the tests in a browser, with their packages.
func Open(ctx context.Context, folder string, v Visit) (*Browser, error) {
	cmd := tools.Command(ctx, "node", filepath.Join("cluster", "drive.mjs"))
	cmd.Dir = folder
	b := &Browser{cmd: cmd}
	cmd.Stderr = &b.said
	var err error
	if b.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	b.lines = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := b.do("open", v, nil); err != nil {
		return nil, errors.Join(err, b.end())
	}
	return b, nil
}

// Ask sends a prompt. The answer has so many tokens; with 0 it is as long as the model likes.
func (b *Browser) Ask(prompt string, tokens int) error {
	return b.do("ask", map[string]any{"prompt": prompt, "length": tokens}, nil)
}

// Begun waits until something of the last answer is shown, Answered until nothing more comes.
func (b *Browser) Begun() error { return b.do("begun", nil, nil) }

// Answered waits until nothing more comes.
func (b *Browser) Answered() error { return b.do("answered", nil, nil) }

// Count has the panel count 20 short answers.
func (b *Browser) Count() error { return b.do("count", nil, nil) }

// Retry asks for the last answer again.
func (b *Browser) Retry() error { return b.do("retry", nil, nil) }

// SignIn goes where the page sends who is to sign in, and waits until it is back and knows them.
func (b *Browser) SignIn() error { return b.do("signIn", nil, nil) }

// See is what a person sees now.
func (b *Browser) See() (v View, err error) { return v, b.do("see", nil, &v) }

// Last is the newest answer.
func (b *Browser) Last() (Answer, error) {
	v, err := b.See()
	if err == nil && len(v.Answers) == 0 {
		err = errors.New("the page shows no answer")
	}
	if err != nil {
		return Answer{}, err
	}
	return v.Answers[len(v.Answers)-1], nil
}

// Close ends the browser. It returns what the page did that it may not: ask another host, break its own policy, fail.
func (b *Browser) Close() (misdeeds []string, err error) {
	err = b.do("close", nil, &misdeeds)
	return misdeeds, errors.Join(err, b.end())
}

// do sends a command and reads its result.
func (b *Browser) do(name string, options, into any) error {
	command := []any{name}
	if options != nil {
		command = append(command, options)
	}
	line, err := json.Marshal(command)
	if err != nil {
		return err
	}
	late := time.AfterFunc(patience, func() { _ = b.cmd.Process.Kill() })
	defer late.Stop()
	if _, err := b.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("the browser's driver, asked to %s: %w", name, err)
	}
	answer, err := b.lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the browser's driver, asked to %s, ended: %w", name, err)
	}
	return result(answer, into)
}

// result reads a line of the driver.
func result(line []byte, into any) error {
	var result struct {
		Value json.RawMessage
		Error string
	}
	if err := json.Unmarshal(line, &result); err != nil {
		return fmt.Errorf("the browser's driver said %q: %w", line, err)
	}
	if result.Error != "" {
		return errors.New(result.Error)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(result.Value, into)
}

// end waits for the driver, which ends with its input.
func (b *Browser) end() error {
	closed := b.in.Close()
	if err := b.cmd.Wait(); err != nil {
		return fmt.Errorf("the browser's driver: %w\n%s", err, strings.TrimSpace(b.said.String()))
	}
	return closed
}

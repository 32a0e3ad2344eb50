// Command native says what a kube-apiserver's own code refuses in objects of its own kinds: JSON objects in, one per
// line, and one answer per line out. It runs what create runs (strict decoding, defaults, the kind's strategy, and of
// admission what looks at a Namespace's labels) and no server.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// longest line that is read; an object of the API is smaller
const longest = 4 << 20

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "native:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	judge := newJudge()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longest)
	buffered := bufio.NewWriter(out)
	encoder := json.NewEncoder(buffered)
	for lines.Scan() {
		if err := encoder.Encode(judge.answer(lines.Bytes())); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return buffered.Flush()
}

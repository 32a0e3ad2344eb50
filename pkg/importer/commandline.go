package importer

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// word is one word of a command line and the JSON pointer, in the part that it comes from, where it stands.
type word struct {
	text string
	at   source
}

// flag is one flag of a server.
type flag struct {
	// name is without dashes, with - inside.
	name string
	// values are those behind it; none for a switch.
	values []string
	at     source
}

// commandLine is a server's command line, read.
type commandLine struct {
	// server is vllm where the words say that it runs, or the simulator's program; empty where only the image knows.
	server string
	// model is the positional argument of `vllm serve`; its text is empty where there is none.
	model word
	flags []flag
	// unread are the words before the first flag that mean nothing here: another program, or arguments of one.
	unread []word
	// opaque is set where a shell runs more than one plain command.
	opaque bool
}

const (
	vllmServer      = "vllm"
	simulatorServer = "llm-d-inference-sim"
)

// readCommandLine reads command and args as they would be run.
func readCommandLine(command, args []word) commandLine {
	words := slices.Concat(command, args)
	if passed, ok := passedOn(words); ok {
		return commandLine{server: vllmServer, flags: flagsOf(passed)}
	}
	if script, ok := shellScript(words); ok {
		if words, ok = splitScript(script); !ok {
			return commandLine{opaque: true}
		}
	}
	line := commandLine{}
	line.server, words = serverOf(words)
	if line.server == vllmServer && len(words) > 0 && !isFlag(words[0].text) {
		line.model, words = words[0], words[1:]
	}
	for len(words) > 0 && !isFlag(words[0].text) {
		line.unread, words = append(line.unread, words[0]), words[1:]
	}
	line.flags = flagsOf(words)
	return line
}

// shellScript returns the text that a shell is asked to run.
func shellScript(words []word) (word, bool) {
	if len(words) < 3 || !slices.Contains([]string{"sh", "bash", "dash", "ash"}, path.Base(words[0].text)) {
		return word{}, false
	}
	for i, w := range words[1 : len(words)-1] {
		if strings.HasPrefix(w.text, "-") && strings.HasSuffix(w.text, "c") {
			return words[i+2], true
		}
	}
	return word{}, false
}

// passedOn are the words behind a script that ends by running the server on them, whatever it does before.
func passedOn(words []word) ([]word, bool) {
	script, ok := shellScript(words)
	if !ok || !strings.HasSuffix(script.text, `exec vllm serve "$@"`) {
		return nil, false
	}
	at := slices.IndexFunc(words, func(w word) bool { return w == script })
	return words[min(at+2, len(words)):], true // behind the script stands the name of the program
}

// splitScript splits a script of one plain command into its words, as a shell would; false where it does more.
func splitScript(script word) ([]word, bool) {
	var (
		words  []word
		now    strings.Builder
		open   bool
		quoted rune
	)
	end := func() {
		if open {
			words = append(words, word{now.String(), script.at})
		}
		now.Reset()
		open = false
	}
	plain := strings.TrimSpace(strings.ReplaceAll(script.text, "\\\n", " "))
	for _, c := range plain {
		switch {
		case quoted != 0 && c == quoted:
			quoted = 0
		case c == '$' && quoted != '\'', c == '`', c == '\\' && quoted != '\'':
			return nil, false
		case quoted != 0:
			now.WriteRune(c)
		case c == '\'' || c == '"':
			quoted, open = c, true
		case c == ' ' || c == '\t':
			end()
		case strings.ContainsRune("|&;<>()\n#*?[]{}~!", c) && !(open && strings.ContainsRune("#[]{}!~", c)):
			return nil, false
		default:
			now.WriteRune(c)
			open = true
		}
	}
	end()
	if len(words) > 0 && words[0].text == "exec" {
		words = words[1:]
	}
	return words, quoted == 0
}

// serverOf finds the program among the first words and returns what is behind it.
func serverOf(words []word) (string, []word) {
	for i, w := range words {
		switch {
		case isFlag(w.text) && w.text != "-m" && w.text != "-u": // python's
			return "", words
		case path.Base(w.text) == "vllm" && i+1 < len(words) && words[i+1].text == "serve":
			return vllmServer, words[i+2:]
		case w.text == "vllm.entrypoints.openai.api_server":
			return vllmServer, words[i+1:]
		case path.Base(w.text) == simulatorServer:
			return simulatorServer, words[i+1:]
		}
	}
	return "", words
}

var negative = regexp.MustCompile(`^-[0-9.]`)

func isFlag(text string) bool {
	return len(text) > 1 && text[0] == '-' && !negative.MatchString(text)
}

func flagsOf(words []word) []flag {
	var flags []flag
	for _, w := range words {
		if isFlag(w.text) {
			name, value, inline := strings.Cut(strings.TrimLeft(w.text, "-"), "=")
			f := flag{name: flagName(w.text, name), at: w.at}
			if inline {
				f.values = []string{value}
			}
			flags = append(flags, f)
		} else if len(flags) > 0 {
			last := &flags[len(flags)-1]
			last.values = append(last.values, w.text)
		}
	}
	return flags
}

// flagName is the full name of a flag: with - for _, and what vLLM's parser makes of a short or a cut one.
func flagName(text, name string) string {
	name, dotted, hasDots := strings.Cut(name, ".")
	name = strings.ReplaceAll(name, "_", "-")
	if !strings.HasPrefix(text, "--") {
		if full, ok := shortFlags()[name]; ok {
			name = full
		}
	} else {
		name = uncut(name)
	}
	if hasDots {
		return name + "." + dotted
	}
	return name
}

// shortFlags are those of vLLM with one dash (vllm/engine/arg_utils.py).
func shortFlags() map[string]string {
	return map[string]string{
		"tp": "tensor-parallel-size", "pp": "pipeline-parallel-size", "dp": "data-parallel-size", "q": "quantization",
	}
}

// uncut completes a name that argparse takes for the only flag that begins so. The second names are the shortest
// beginnings that mean one flag alone in all releases from 0.8.5 to 0.33.0.
func uncut(name string) string {
	for full, shortest := range map[string]string{
		"max-model-len": "max-mo", "served-model-name": "serv", "tensor-parallel-size": "tensor-p",
	} {
		if strings.HasPrefix(name, shortest) && strings.HasPrefix(full, name) {
			return full
		}
	}
	return name
}

// find returns the flag that wins, which is the last of its name.
func (c commandLine) find(names ...string) (flag, bool) {
	for _, f := range slices.Backward(c.flags) {
		if slices.Contains(names, f.name) {
			return f, true
		}
	}
	return flag{}, false
}

// value is the only value of a flag, empty where there is none.
func (f flag) value() string {
	if len(f.values) == 1 {
		return f.values[0]
	}
	return ""
}

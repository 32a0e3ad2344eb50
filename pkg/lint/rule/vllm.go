package rule

import (
	"path"
	"slices"
	"strings"
)

// IsVLLM says whether a container runs vLLM's server: by its command, its arguments or its image.
func IsVLLM(c Container) bool { return c.vllm }

func runsVLLM(c Container) bool {
	if strings.Contains(path.Base(imageName(c)), "vllm") {
		return true
	}
	words := c.Field("command").Strings()
	for _, arg := range c.Args() {
		words = append(words, arg.Text())
	}
	for _, word := range words {
		if word == "vllm" || strings.HasPrefix(word, "vllm.entrypoints") || strings.Contains(word, "vllm serve") {
			return true
		}
	}
	return false
}

func imageName(c Container) string {
	name, _ := SplitImage(c.Field("image").Text())
	return name
}

// SplitImage returns an image's name and its tag; the tag is empty where there is none or a digest.
func SplitImage(image string) (name, tag string) {
	if name, _, found := strings.Cut(image, "@"); found {
		return name, ""
	}
	if at := strings.LastIndexByte(image, ':'); at > strings.LastIndexByte(image, '/') {
		return image[:at], image[at+1:]
	}
	return image, ""
}

// VLLMVersion is the version of vLLM's own images, which their tag says, before a digest too; false for other images.
func VLLMVersion(c Container) (Version, bool) {
	image, _, _ := strings.Cut(c.Field("image").Text(), "@")
	name, tag := SplitImage(image)
	if !strings.HasPrefix(path.Base(name), "vllm-openai") {
		return Version{}, false
	}
	tag, _, _ = strings.Cut(tag, "-")
	version, err := ParseVersion(tag)
	return version, err == nil
}

// Flag is one command line flag of a server.
type Flag struct {
	// Name is without dashes in front, and with - for _ inside up to the first dot: vLLM takes both.
	Name, Value string
	// Joined is set for --name=value, Split for a value that is the next argument.
	Joined, Split bool
	// At is the argument that names it.
	At Value
}

// Words are what a container's server gets on its command line, in order: what follows vllm serve, or the module, in the command,
// and the arguments. Where a shell runs a script there are none to see.
func Words(c Container) []Value {
	command := slices.Collect(c.Field("command").Items())
	if len(command) > 0 && isShell(command[0].Text()) {
		return nil
	}
	return append(served(command), c.Args()...)
}

// served are the words of a command that go to vLLM's server.
func served(command []Value) []Value {
	for i, word := range command {
		serve := word.Text() == "serve" && i > 0 && path.Base(command[i-1].Text()) == "vllm"
		if serve || word.Text() == "vllm.entrypoints.openai.api_server" {
			return slices.Clone(command[i+1:])
		}
	}
	return nil
}

// Flags are the flags of a container, in order.
func Flags(c Container) []Flag { return c.flags }

func flags(c Container) []Flag { return flagsOf(Words(c)) }

// flagsOf reads the flags of a command line.
func flagsOf(args []Value) []Flag {
	var found []Flag
	for i, arg := range args {
		name, isFlag := strings.CutPrefix(arg.Text(), "--")
		if !isFlag || name == "" || strings.ContainsAny(name, " \n") && !strings.Contains(name, "=") {
			continue
		}
		name, value, joined := strings.Cut(name, "=")
		split := !joined && i+1 < len(args) && !strings.HasPrefix(args[i+1].Text(), "--")
		if split {
			value = args[i+1].Text()
		}
		found = append(found, Flag{Name: canonical(name), Value: value, Joined: joined, Split: split, At: arg})
	}
	return found
}

// canonical writes a flag's name as vLLM does; what follows a dot is a member of a JSON value.
func canonical(name string) string {
	flag, key, dotted := strings.Cut(name, ".")
	flag = strings.ReplaceAll(flag, "_", "-")
	if !dotted {
		return flag
	}
	return flag + "." + key
}

func isShell(program string) bool {
	switch path.Base(program) {
	case "sh", "bash", "dash", "ash", "zsh":
		return true
	}
	return false
}

// FindFlag returns the flag that wins, which is the last one.
func FindFlag(c Container, name string) (Flag, bool) {
	var found Flag
	for _, flag := range Flags(c) {
		if flag.Name == name {
			found = flag
		}
	}
	return found, found.Name != ""
}

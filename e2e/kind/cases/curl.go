package cases

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Exit codes of curl (EXIT CODES in curl(1)).
const curlTimeout = 28

// curled is what became of a request by curl.
type curled struct {
	// status is 0 where there was no answer.
	status int
	// connected says that there was a connection.
	connected bool
	// exit is curl's exit code, said its own word.
	exit int
	said string
}

func (c curled) String() string {
	if c.exit == 0 {
		return strconv.Itoa(c.status)
	}
	return fmt.Sprintf("%d, curl's exit code %d: %s", c.status, c.exit, c.said)
}

// exited finds the code in what kubectl says of a command that failed in a container.
func exited() *regexp.Regexp { return regexp.MustCompile(`command terminated with exit code (\d+)`) }

// curl runs one in a client's pod, namespace/name.
func (e *Env) curl(ctx context.Context, client string, args ...string) (curled, error) {
	return e.curlIn(ctx, client, "client", args...)
}

// curlIn runs one in a container.
func (e *Env) curlIn(ctx context.Context, client, container string, args ...string) (curled, error) {
	namespace, pod, _ := strings.Cut(client, "/")
	command := append([]string{"-n", namespace, "exec", pod, "-c", container, "--", "curl", "-sS", "-o", "/dev/null",
		"--connect-timeout", "3", "--max-time", "10", "-w", "%{http_code} %{time_connect}"}, args...)
	out, err := e.Kubectl.Run(ctx, command...)
	got := curled{}
	var connect float64
	if _, parseErr := fmt.Sscanf(out, "%d %g", &got.status, &connect); parseErr != nil {
		return got, errors.Join(err, fmt.Errorf("curl in %s said %q", client, out))
	}
	got.connected = connect > 0
	if err == nil {
		return got, nil
	}
	code := exited().FindStringSubmatch(err.Error())
	if code == nil {
		return got, err
	}
	got.exit, _ = strconv.Atoi(code[1]) // digits
	got.said = err.Error()
	return got, nil
}

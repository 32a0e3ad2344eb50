package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kservegen/kservegen/pkg/chat"
	"github.com/kservegen/kservegen/pkg/chat/forward"
	"github.com/kservegen/kservegen/pkg/rollout/live"
	"github.com/kservegen/kservegen/pkg/spec"
)

// tokenVariable names the environment variable with an API key or JWT. Those of other programs are not taken: a key for
// one provider must not go to another server.
const tokenVariable = "KSERVEGEN_CHAT_TOKEN"

// connectFlags say where a model is.
type connectFlags struct {
	clusterFlags
	documents         documentFlags
	url, environment  string
	deployment, space string
	tokenFile         string
	patience          time.Duration
}

func (f *connectFlags) register(cmd *cobra.Command) {
	f.documents.register(cmd)
	f.clusterFlags.register(cmd, "context of the cluster to forward through (default the current one)")
	flags := cmd.Flags()
	flags.StringVar(&f.url, "url", "", "base URL of an OpenAI-compatible API; with -f the address of the document's gateway")
	flags.StringVar(&f.environment, "env", "", "environment of the document (default the only one)")
	flags.StringVar(&f.deployment, "model-deployment", "", "ModelDeployment to reach through the cluster, or which of the documents'")
	flags.StringVarP(&f.space, "namespace", "n", "", "namespace of --model-deployment, without a document")
	flags.StringVar(&f.tokenFile, "token-file", "", "file with an API key or JWT (default the variable "+tokenVariable+")")
	flags.DurationVar(&f.patience, "timeout", chat.DefaultPatience, "how long nothing may come, before an answer and within one")
	_ = cmd.MarkFlagFilename("token-file")
}

// beside reports that a URL is asked, and a cluster for what it knows of the model there.
func (f *connectFlags) beside() bool {
	return len(f.documents.files) == 0 && f.url != "" && f.deployment != ""
}

func (f *connectFlags) validate(page bool) error {
	document := len(f.documents.files) > 0
	switch {
	case !document && f.url == "" && f.deployment == "":
		return usagef("with what? --url URL, --model-deployment NAME -n NAMESPACE, or -f DOC")
	case f.beside() && !page:
		return usagef("--url and --model-deployment are two ways to a model; give one (the page of --web takes both: it asks the URL, and reads the shares in the cluster)")
	case !document && f.deployment != "" && f.space == "":
		return usagef("--model-deployment %s is in which namespace? -n NAMESPACE", f.deployment)
	case !document && f.environment != "":
		return usagef("--env is for a document; name one with -f")
	case f.space != "" && (document || f.url != "" && !f.beside()):
		return usagef("-n goes with --model-deployment alone; the document says the namespace")
	case f.url != "" && f.asked() && !f.beside():
		return usagef("--url is asked directly; --kubeconfig and --context are for a way through the cluster")
	case f.patience <= 0:
		return usagef("--timeout %s is not over 0", f.patience)
	}
	return nil
}

// chatLink is a way to a model.
type chatLink struct {
	client *chat.Client
	// model is its served name, empty where only the server knows it.
	model string
	// weights are the revisions' shares in percent, by name; of none where they are not known.
	weights map[string]int
	// through says by which way requests go, for people; empty for straight on.
	through string
	closer  io.Closer
	// cluster knows the revisions of the moment; nil where nobody is asked for them.
	cluster *live.Cluster
}

func (l *chatLink) close() {
	if l.closer != nil {
		_ = l.closer.Close()
	}
}

// served is the name of the model, or else the first that the server lists.
func (l *chatLink) served(ctx context.Context) (string, error) {
	if l.model != "" {
		return l.model, nil
	}
	models, err := l.client.Models(ctx)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", fmt.Errorf("asking for the models' names, as no --model is given: %s", chat.Plain(err.Error()))
	case len(models) == 0:
		return "", fmt.Errorf("%s/models lists no model; say one with --model", l.client.URL())
	}
	return models[0], nil
}

// connect finds the way to the model.
func (f *connectFlags) connect(ctx context.Context, s Streams) (*chatLink, error) {
	l := &chatLink{weights: map[string]int{}}
	config := chat.Config{URL: f.url, Patience: f.patience}
	if err := f.target(ctx, s, l, &config); err != nil {
		return nil, err
	}
	token, err := f.token()
	if err != nil {
		return nil, err
	}
	config.Token = token
	if l.client, err = chat.New(config); err != nil {
		l.close()
		return nil, usageError{err}
	}
	if token != "" && config.Transport == nil && readable(config.URL) {
		fmt.Fprintln(s.Err, "kservegen: the credential goes over plain HTTP, where others on the way can read it")
	}
	return l, nil
}

// readable reports that others may read what goes to a URL.
func readable(base string) bool {
	u, err := url.Parse(base)
	if err != nil || u.Scheme == "https" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// target fills in what a document or a cluster knows.
func (f *connectFlags) target(ctx context.Context, s Streams, l *chatLink, config *chat.Config) error {
	switch {
	case f.beside():
		return f.besides(l)
	case len(f.documents.files) == 0 && f.deployment != "":
		return f.forward(ctx, l, config, f.space, f.deployment)
	case len(f.documents.files) == 0:
		return nil
	}
	documents := treeFlags{documents: f.documents, model: f.deployment}
	_, model, err := documents.load(ctx, s)
	if err != nil {
		return err
	}
	target, err := environmentOf(model, f.environment)
	if err != nil {
		return err
	}
	l.model = target.ServedName
	if f.asked() {
		return f.forward(ctx, l, config, target.Namespace, target.Name)
	}
	for _, r := range target.Revisions {
		l.weights[r.Name] = r.Weight
	}
	return exposed(target, config)
}

// besides connects to the cluster for what it knows. It asks nothing yet: the page is served while the cluster is away.
func (f *connectFlags) besides(l *chatLink) error {
	cluster, err := live.Connect(f.kubeconfig, f.contextName)
	if err != nil {
		return usageError{err}
	}
	l.cluster, l.through = cluster, fmt.Sprintf(", with the shares of %s/%s", f.space, f.deployment)
	return nil
}

// forward fills in what the cluster knows, and leads through it to the model's gateway.
func (f *connectFlags) forward(ctx context.Context, l *chatLink, config *chat.Config, namespace, name string) error {
	cluster, err := live.Connect(f.kubeconfig, f.contextName)
	if err != nil {
		return usageError{err}
	}
	entry, err := cluster.Entry(ctx, namespace, name)
	if err != nil {
		return err
	}
	runs, err := cluster.Read(ctx, namespace, name)
	if err != nil {
		return err
	}
	for _, r := range runs.Revisions {
		config.Revisions = append(config.Revisions, askable(r.Name, r.Testers))
		if r.Weight != nil {
			l.weights[r.Name] = *r.Weight
		}
	}
	config.URL = "http://" + entry.Host + entry.Path
	if entry.TLS {
		config.URL = "https://" + entry.Host + entry.Path
	}
	if h := entry.Header; h != nil {
		config.Select = []chat.Header{{Name: h.Header, Value: h.Value}}
	}
	tunnel := forward.New(cluster.Config(), func(ctx context.Context) (forward.Pod, error) {
		at, err := cluster.Endpoint(ctx, entry)
		return forward.Pod{Namespace: at.Namespace, Name: at.Pod, Port: at.Port}, err
	})
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext, transport.Proxy = tunnel.DialContext, nil
	config.Transport, l.closer = transport, tunnel
	l.through = fmt.Sprintf(" through gateway %s of cluster %s", entry.Gateway, cluster.Name)
	return nil
}

// exposed fills in what a document says about the way to its model.
func exposed(t spec.Target, config *chat.Config) error {
	if t.Expose == nil {
		if config.URL == "" {
			return usagef("%s is not exposed in environment %s: say where it is with --url", t.Name, t.Environment)
		}
		t.Expose = &spec.Expose{}
	}
	scheme := "http"
	if t.Expose.TLSSecret != "" {
		scheme = "https"
	}
	hosts := t.Expose.Hosts
	switch {
	case config.URL == "" && len(hosts) == 0:
		return usagef("KServe makes the host of %s: say where it is with --url", t.Name)
	case config.URL == "":
		config.URL = scheme + "://" + hosts[0] + t.Expose.Path
	default:
		u, err := url.Parse(config.URL)
		if err != nil || u.Host == "" {
			return usagef("--url %q is no URL; such as https://deepseek.example.com", config.URL)
		}
		if len(hosts) > 0 && !slices.Contains(hosts, u.Hostname()) {
			config.Host = hosts[0] // the gateway's own address was given
		}
		if strings.Trim(u.Path, "/") == "" {
			config.URL = strings.TrimSuffix(config.URL, "/") + t.Expose.Path
		}
	}
	if h := t.Expose.Header; h != nil {
		config.Select = []chat.Header{{Name: h.Header, Value: h.Value}}
	}
	for _, r := range t.Revisions {
		config.Revisions = append(config.Revisions, askable(r.Name, r.Testers))
	}
	return nil
}

func askable(name string, testers *spec.HeaderMatch) chat.Revision {
	revision := chat.Revision{Name: name}
	if testers != nil {
		revision.Testers = &chat.Header{Name: testers.Header, Value: testers.Value}
	}
	return revision
}

// token reads the credential. It is in no error.
func (f *connectFlags) token() (string, error) {
	token, from := os.Getenv(tokenVariable), tokenVariable
	if f.tokenFile != "" {
		data, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return "", usageError{err}
		}
		token, from = string(data), f.tokenFile
	}
	token = strings.TrimSpace(token)
	if f.tokenFile != "" && token == "" {
		return "", usagef("%s is empty", from)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usagef("%s has more than one word, or signs that no API key and no JWT has", from)
	}
	return token, nil
}

// onTerminal reports that a stream is one.
func onTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

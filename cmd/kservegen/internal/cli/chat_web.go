package cli

import (
	"context"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/chat"
	"github.com/kservegen/kservegen/pkg/chat/web"
)

// webAddress keeps its port: browsers keep the conversations of each port by themselves.
const webAddress = "127.0.0.1:8710"

// webFlags say how the page is served.
type webFlags struct {
	on     bool
	listen string
	hosts  []string
}

func (f *webFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.on, "web", false, "serve a page to talk in, instead of the terminal")
	flags.StringVar(&f.listen, "listen", webAddress, "address of the page; beyond this machine it demands the token that its link has")
	flags.StringSliceVar(&f.hosts, "listen-host", nil, "name under which the page is reached, besides localhost and addresses")
}

// validate refuses what the other has no use for. A page asks as its user says there.
func (f *webFlags) validate(cmd *cobra.Command) error {
	flags := cmd.Flags()
	if !f.on {
		if flags.Changed("listen") || flags.Changed("listen-host") {
			return usagef("--listen and --listen-host are for --web")
		}
		return nil
	}
	for _, name := range []string{"once", "output", "history", "system", "revision", "max-tokens", "temperature"} {
		if flags.Changed(name) {
			return usagef("--%s is for the terminal, and the page of --web has no use for it", name)
		}
	}
	return nil
}

// serve serves the page until the context ends.
func (f *webFlags) serve(ctx context.Context, s Streams, link *chatLink, model string, connect *connectFlags) error {
	base, err := url.Parse(link.client.URL())
	if err != nil {
		return err
	}
	config := web.Config{
		Upstream: base, Transport: link.client.Transport(), Name: model, Model: model, Revisions: pageRevisions(link),
		Hosts: f.hosts, Patience: connect.patience,
	}
	if !web.Local(f.listen) {
		config.Token = web.NewToken()
	}
	handler, err := web.New(config)
	if err != nil {
		return usageError{err}
	}
	listener, err := web.Listen(ctx, f.listen, config.Token)
	if err != nil {
		return usageError{fmt.Errorf("serving the page (--listen takes another address): %w", err)}
	}
	fmt.Fprintf(s.Err, "%s at %s%s. Ctrl-C ends the page:\n", chat.Plain(model), link.client.URL(), chat.Plain(link.through))
	if config.Token != "" {
		fmt.Fprintln(s.Err, "kservegen: the page and its token go over plain HTTP, where others on the way can read them: put TLS before it, or use a tunnel")
	}
	fmt.Fprintln(s.Out, web.Link(listener, config.Token))
	return web.Serve(ctx, listener, handler)
}

func pageRevisions(link *chatLink) []web.Revision {
	var out []web.Revision
	for _, r := range link.client.Revisions() {
		shown := web.Revision{Name: r.Name, Weight: link.weights[r.Name]}
		if r.Testers != nil {
			shown.Header, shown.Value = r.Testers.Name, r.Testers.Value
		}
		out = append(out, shown)
	}
	return out
}

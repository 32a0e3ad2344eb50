package cli

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/chat"
	"github.com/kservegen/kservegen/pkg/chat/web"
	"github.com/kservegen/kservegen/pkg/chat/web/shares"
)

// webAddress keeps its port: browsers keep the conversations of each port by themselves.
const webAddress = "127.0.0.1:8710"

// webFlags say how the page is served.
type webFlags struct {
	on     bool
	listen string
	hosts  []string
	signIn signInFlags
}

func (f *webFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.on, "web", false, "serve a page to talk in, instead of the terminal")
	flags.StringVar(&f.listen, "listen", webAddress, "address of the page; beyond this machine it demands a sign-in, or else the token that its link has")
	flags.StringSliceVar(&f.hosts, "listen-host", nil, "name under which browsers reach the page, besides localhost and addresses, as chat.example.com")
	f.signIn.register(cmd)
}

// validate refuses what the other has no use for. A page asks as its user says there.
func (f *webFlags) validate(cmd *cobra.Command) error {
	flags := cmd.Flags()
	if !f.on {
		if flags.Changed("listen") || flags.Changed("listen-host") {
			return usagef("--listen and --listen-host are for --web")
		}
		return f.signIn.validate(cmd, false)
	}
	for _, name := range []string{"once", "output", "history", "system", "revision", "max-tokens", "temperature"} {
		if flags.Changed(name) {
			return usagef("--%s is for the terminal, and the page of --web has no use for it", name)
		}
	}
	return f.signIn.validate(cmd, true)
}

// serve serves the page until the context ends.
func (f *webFlags) serve(ctx context.Context, s Streams, link *chatLink, model string, connect *connectFlags) error {
	lines := log.New(s.Err, "kservegen: ", 0)
	say := func(line string) { lines.Println(chat.Plain(line)) }
	config, err := f.config(ctx, say, link, model, connect)
	if err != nil {
		return err
	}
	handler, err := web.New(config)
	if err != nil {
		return usageError{err}
	}
	listener, err := web.Listen(ctx, f.listen, config)
	if err != nil {
		return usageError{fmt.Errorf("serving the page (--listen takes another address): %w", err)}
	}
	fmt.Fprintf(s.Err, "%s at %s%s. Ctrl-C ends the page:\n", chat.Plain(model), link.client.URL(), chat.Plain(link.through))
	if what := f.readable(); what != "" {
		say("the page and " + what + " go over plain HTTP: unless TLS, a mesh or a tunnel is before it, others on the way can read them")
	}
	fmt.Fprintln(s.Out, web.Link(listener, config.Token))
	// A second Ctrl-C does not wait for answers that run.
	defer context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })()
	return web.Serve(ctx, listener, handler, f.grace())
}

// readable is what others may read on the way to the page, besides what is said there.
func (f *webFlags) readable() string {
	switch {
	case web.Local(f.listen):
		return ""
	case f.signIn.on():
		return "what people sign in with"
	}
	return "its token"
}

// grace is how long answers that run may go on. In a pod it is the pod's grace period that ends them
// (terminationGracePeriodSeconds), and this only has to be longer.
func (f *webFlags) grace() time.Duration {
	if f.signIn.on() {
		return time.Hour
	}
	return 3 * time.Second
}

// config makes the page's, and starts what it watches.
func (f *webFlags) config(ctx context.Context, say func(string), link *chatLink, model string, connect *connectFlags) (web.Config, error) {
	base, err := url.Parse(link.client.URL())
	if err != nil {
		return web.Config{}, err
	}
	config := web.Config{
		Upstream: base, Transport: link.client.Transport(), Name: model, Model: model, Revisions: pageRevisions(link),
		Hosts: f.hosts, Patience: connect.patience,
	}
	switch {
	case f.signIn.on():
		config.PerMinute = f.signIn.perMinute
		config.SignIn, err = f.signIn.open(ctx, say)
	case !web.Local(f.listen):
		config.Token = web.NewToken()
	}
	if link.cluster != nil {
		live := shares.New(link.cluster, connect.space, connect.deployment, say, time.Now)
		go live.Watch(ctx, shares.Every)
		config.Live = live
	}
	return config, err
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

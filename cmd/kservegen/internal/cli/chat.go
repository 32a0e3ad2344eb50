package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/chat"
)

// promptLimit is how many bytes --once reads; no model takes more.
const promptLimit = 64 << 20

type chatOptions struct {
	connect     connectFlags
	web         webFlags
	model       string
	system      string
	revision    string
	maxTokens   int
	temperature float64
	once        bool
	history     string
	output      string
}

func newChat(s Streams) *cobra.Command {
	o := &chatOptions{}
	cmd := &cobra.Command{
		Use:   "chat {--url URL | --model-deployment NAME -n NAMESPACE | -f DOC [--env ENV]}",
		Short: "Talk to a model that is deployed, and see which revision answers",
		Long: `Talk to a model in the terminal. Its answers come as they are generated, with the time to the first token, tokens per
second, and the revision that answered where that is known. /help lists what can be said besides.

--url is the base of any OpenAI-compatible API. --model-deployment finds the model's gateway in the cluster and forwards
to one of its pods, so that nothing has to be exposed to this machine. -f takes host, path and testers' headers from the
document; with --url besides, that is the address of its gateway.

An API key or JWT comes from the environment variable ` + tokenVariable + ` or from --token-file.

--web serves a page for a browser instead, with conversations, revisions side by side, and what each of them does. For others
than yourself let them sign in, with --oidc-issuer-url or, for a test, --users-file. In a cluster --url is the model's Service, and
--model-deployment besides makes the page show the weights of its route as they change.

With --once standard input is one question; exit 1 where the answer failed or was cut.`,
		Example: `  kservegen chat --url https://deepseek.example.com
  kservegen chat --model-deployment deepseek-r1 -n llm
  kservegen chat -f deepseek.yaml --env production --revision v2
  kservegen chat --model-deployment deepseek-r1 -n llm --web
  kservegen chat --model-deployment deepseek-r1 -n llm --web --listen 0.0.0.0:8710 --listen-host chat.example.com --users-file users
  echo 'Say hello' | kservegen chat --url https://deepseek.example.com --once -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, s) },
	}
	o.connect.register(cmd)
	o.web.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.model, "model", "", "served name of the model (default the document's, or the first that the server lists)")
	flags.StringVar(&o.system, "system", "", "system prompt")
	flags.StringVar(&o.revision, "revision", "", "revision to ask, by its testers' header (default as the weights give it)")
	flags.IntVar(&o.maxTokens, "max-tokens", 0, "limit of an answer (default the server's)")
	flags.Float64Var(&o.temperature, "temperature", 0, "temperature of sampling (default the server's)")
	flags.BoolVar(&o.once, "once", false, "ask what standard input has, print the answer, and end")
	flags.StringVar(&o.history, "history", "", "file to keep prompts in (default none is kept)")
	flags.StringVarP(&o.output, "output", "o", "text", "text or json, with --once")
	complete(cmd, "output", []string{"text", "json"})
	_ = cmd.MarkFlagFilename("history")
	return cmd
}

func (o *chatOptions) validate() error {
	switch {
	case o.output != "text" && o.output != "json":
		return usagef("-o %s is unknown; text or json", o.output)
	case o.output == "json" && !o.once:
		return usagef("-o json is for --once")
	case o.maxTokens < 0:
		return usagef("--max-tokens %d is below 0", o.maxTokens)
	}
	return o.connect.validate(o.web.on)
}

func (o *chatOptions) run(cmd *cobra.Command, s Streams) error {
	if err := o.validate(); err != nil {
		return err
	}
	if err := o.web.validate(cmd); err != nil {
		return err
	}
	ctx := cmd.Context()
	link, err := o.connect.connect(ctx, s)
	if err != nil {
		return err
	}
	defer link.close()
	q := chat.Question{Model: o.model, Revision: o.revision, MaxTokens: o.maxTokens}
	if q.Model == "" {
		if q.Model, err = link.served(ctx); err != nil {
			return err
		}
	}
	if o.web.on {
		return o.web.serve(ctx, s, link, q.Model, &o.connect)
	}
	if cmd.Flags().Changed("temperature") {
		q.Temperature = &o.temperature
	}
	if o.once {
		return o.ask(ctx, s, link, q)
	}
	return o.talk(ctx, s, link, q)
}

// ask sends what standard input has.
func (o *chatOptions) ask(ctx context.Context, s Streams, link *chatLink, q chat.Question) error {
	prompt, err := interruptible(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(s.In, promptLimit+1)) })
	switch {
	case err != nil:
		return fmt.Errorf("reading the question: %w", err)
	case len(prompt) > promptLimit:
		return usagef("standard input is over 64 MiB, which no model takes")
	case strings.TrimSpace(string(prompt)) == "":
		return usagef("standard input has no question; such as: echo 'Say hello' | kservegen chat --once")
	}
	if o.system != "" {
		q.Messages = append(q.Messages, chat.Message{Role: "system", Content: o.system})
	}
	q.Messages = append(q.Messages, chat.Message{Role: "user", Content: strings.TrimRight(string(prompt), "\r\n")})
	answer := link.client.Ask(ctx, q, o.onceEvents(s))
	if err := o.printOnce(s, answer); err != nil {
		return err
	}
	switch {
	case answer.Error == nil:
		return nil
	case answer.Error.Kind == chat.Stopped:
		return context.Canceled
	}
	return errFindings
}

// onceEvents prints an answer as it comes, in text. What goes to a file is as the model said it.
func (o *chatOptions) onceEvents(s Streams) func(chat.Event) {
	safe := onTerminal(s.Out)
	return func(e chat.Event) {
		if o.output != "text" || e.Kind != chat.Content {
			return
		}
		if safe {
			e.Text = chat.Plain(e.Text)
		}
		fmt.Fprint(s.Out, e.Text)
	}
}

func (o *chatOptions) printOnce(s Streams, answer chat.Answer) error {
	if o.output == "json" {
		data, err := chat.JSON(answer)
		if err == nil {
			_, err = s.Out.Write(data)
		}
		return err
	}
	if answer.Content != "" {
		if _, err := fmt.Fprintln(s.Out); err != nil {
			return err
		}
	}
	for _, call := range answer.ToolCalls {
		fmt.Fprintf(s.Err, "tool call: %s\n", chat.Plain(call.Name+" "+call.Arguments))
	}
	if answer.Error == nil || answer.Timing.FirstToken > 0 {
		fmt.Fprintln(s.Err, chat.Plain(answer.Summary()))
	}
	if answer.Error != nil {
		fmt.Fprintf(s.Err, "kservegen: %s\n", chat.Plain(answer.Error.Message))
	}
	return nil
}

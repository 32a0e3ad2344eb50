package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/rollout/notify"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// webhookFlags say who is told what a run does.
type webhookFlags struct {
	url, urlFile           string
	format                 string
	secretFile, secretFrom string
}

func (f *webhookFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.url, "webhook", "", "URL that each event of the run is posted to")
	flags.StringVar(&f.urlFile, "webhook-file", "", "file with that URL, where it is a secret, as Slack's is")
	flags.StringVar(&f.format, "webhook-format", string(notify.JSON), "json, or slack for {\"text\": …}")
	flags.StringVar(&f.secretFile, "webhook-secret-file", "", "file with what signs the bodies (header "+notify.SignatureHeader+")")
	flags.StringVar(&f.secretFrom, "webhook-secret-env", "", "variable of the environment that has it instead")
	complete(cmd, "webhook-format", []string{string(notify.JSON), string(notify.Slack)})
	_ = cmd.MarkFlagFilename("webhook-file")
	_ = cmd.MarkFlagFilename("webhook-secret-file")
}

// check says what is wrong with them, without a look at the files.
func (f *webhookFlags) check() error {
	switch {
	case f.url != "" && f.urlFile != "":
		return usagef("--webhook and --webhook-file exclude each other")
	case f.url+f.urlFile == "" && f.secretFile+f.secretFrom != "":
		return usagef("a secret without a webhook signs nothing; --webhook URL")
	case !slices.Contains(notify.Formats(), notify.Format(f.format)):
		return usagef("--webhook-format %s is unknown; json or slack", f.format)
	case f.url == "":
		return nil
	}
	if err := (notify.Webhook{URL: f.url, Format: notify.Format(f.format)}).Check(); err != nil {
		return usageError{err}
	}
	return nil
}

// webhook is nil where nobody is told.
func (f *webhookFlags) webhook() (*notify.Webhook, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	hook := notify.Webhook{URL: f.url, Format: notify.Format(f.format)}
	switch {
	case f.urlFile != "":
		data, err := os.ReadFile(f.urlFile)
		if err != nil {
			return nil, usageError{err}
		}
		hook.URL = strings.TrimSpace(string(data))
	case f.url == "":
		return nil, nil
	}
	var err error
	if hook.Secret, err = notify.ReadSecret(f.secretFile, f.secretFrom); err != nil {
		return nil, usageError{err}
	}
	if err = hook.Check(); err != nil {
		return nil, usageError{err}
	}
	return &hook, nil
}

// tellers tell people and programs first, then the webhook, whose failures are words and nothing else.
type tellers struct {
	s    Streams
	here runner.Notifier
	hook *notify.Webhook
	// once leaves out what each run by a schedule would say again.
	once bool
}

func (t *tellers) Notify(ctx context.Context, e runner.Event) error {
	err := t.here.Notify(ctx, e)
	if t.hook == nil || t.once && stale(e) {
		return err
	}
	if failed := t.hook.Notify(ctx, e); failed != nil {
		fmt.Fprintf(t.s.Err, "nobody was told: %v\n", failed)
	}
	return err
}

// stale reports an event that says how things stand, and that nobody did.
func stale(e runner.Event) bool {
	switch e.Kind {
	case runner.Started, runner.Resumed, runner.Waiting, runner.Promoted, runner.RolledBack:
		return !e.Changes()
	}
	return false
}

// tellers are those of a run.
func (o *runOptions) tellers(s Streams, hook *notify.Webhook) *tellers {
	return &tellers{s: s, here: &teller{s: s, json: o.output == "json"}, hook: hook, once: o.once}
}

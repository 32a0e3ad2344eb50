package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/rollout/incluster"
	"github.com/kservegen/kservegen/pkg/rollout/metrics"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/txn"
)

type manifestOptions struct {
	treeFlags
	env     string
	objects incluster.Options
	output  string
}

func newCanaryManifest(s Streams) *cobra.Command {
	o := &manifestOptions{}
	cmd := &cobra.Command{
		Use:   "manifest -f DOC --image IMAGE --prometheus URL [-- FLAGS OF canary run]",
		Short: "Write what runs a canary from within the cluster: a Job or CronJob, and an identity with the least rights",
		Long: `Write the objects that run kservegen canary run in the namespace of the model: a Job, or with --schedule a CronJob; a
ServiceAccount whose Role may change this model's routes and its Lease, and read how the revisions do; a ConfigMap with the
document, which is called by its content; and a NetworkPolicy unless the document leaves those out. What follows -- is for
canary run itself. Files that it names are those of --secret, which is mounted at ` + incluster.SecretPath + `.

The runner renders the document by itself and knows nothing of the tree's folders custom/. It cannot work where Flux or Argo CD
writes the weights; move them in Git then (canary run --git), for instance in CI.`,
		Example: `  kservegen canary manifest -f deepseek.yaml --env production --image registry.example.com/kservegen:v1 --prometheus http://prometheus.monitoring:9090 | kubectl apply -f -
  kservegen canary manifest -f deepseek.yaml --image registry.example.com/kservegen:v1 --prometheus https://prometheus.example.com --secret canary -o deploy/canary -- --bearer-token-file ` + incluster.SecretPath + `/token --step-max 4h`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); at > 0 || at < 0 && len(args) > 0 {
				return usagef("%s is no flag; what is for canary run goes behind --", args[0])
			}
			o.objects.Args = args
			return o.run(cmd.Context(), s)
		},
	}
	o.treeFlags.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.env, "env", "", "environment of the document (default its only one)")
	flags.StringVar(&o.objects.Image, "image", "", "image of kservegen, with a tag or a digest")
	flags.StringVar(&o.objects.Prometheus, "prometheus", "", "URL of Prometheus, as pods reach it")
	flags.StringVar(&o.objects.Schedule, "schedule", "", "make a CronJob with this schedule instead of a Job, such as '0 8 * * 1-5'")
	flags.DurationVar(&o.objects.Deadline, "deadline", 24*time.Hour, "how long one run may take; the share stays then")
	flags.StringVar(&o.objects.Secret, "secret", "", "Secret that is mounted at "+incluster.SecretPath)
	flags.BoolVar(&o.objects.Mesh, "sidecar", false, "give the runner a sidecar, for a Prometheus that takes mutual TLS only")
	flags.StringVarP(&o.output, "output", "o", "", "directory that the files go to, for Kustomize (default: one stream to standard output)")
	_ = cmd.MarkFlagDirname("output")
	return cmd
}

func (o *manifestOptions) run(ctx context.Context, s Streams) error {
	flags, err := o.runFlags()
	if err != nil {
		return err
	}
	if slices.Contains(o.documents.files, "-") {
		return usagef("the runner gets the document as it is, which standard input keeps to itself; name its file with -f")
	}
	_, model, err := o.load(ctx, s)
	if err != nil {
		return err
	}
	if err = o.complete(model, flags); err != nil {
		return err
	}
	objects, err := incluster.Objects(o.objects)
	if err != nil {
		return usageError{err}
	}
	if o.output == "" {
		return printStream(s, objects)
	}
	files, err := incluster.Files(objects)
	if err != nil {
		return err
	}
	changes := make([]txn.Change, 0, len(files))
	for _, file := range files {
		changes = append(changes, txn.Change{Path: file.Name, Data: file.Data})
	}
	result, err := txn.Commit(ctx, o.output, changes, txn.Options{})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Err, "%s written to %s\n", finding.Plural(result.Written, "file"), o.output)
	return nil
}

func printStream(s Streams, objects []manifest.Object) error {
	data, err := incluster.Stream(objects)
	if err != nil {
		return err
	}
	_, err = s.Out.Write(data)
	return err
}

// complete adds what the document says.
func (o *manifestOptions) complete(m *spec.Deployment, run *runOptions) (err error) {
	if o.objects.Target, err = environmentOf(m, o.env); err != nil {
		return err
	}
	if o.objects.Document, err = os.ReadFile(m.File); err != nil {
		return usageError{err}
	}
	ends, err := run.ends(m, o.objects.Target)
	if err != nil {
		return err
	}
	if _, err = run.config(m, o.objects.Target, ends); err != nil {
		return err
	}
	return o.checkRoutes(m)
}

// checkRoutes refuses what a runner could not write. It finds out what the routes are from the document alone, so that they must be
// what the tree has.
func (o *manifestOptions) checkRoutes(m *spec.Deployment) error {
	t := o.objects.Target
	if t.RoutedByKServe() || t.OmitsRoutes() {
		return usagef("%s has no routes that a runner could write (spec.expose.api: kserve, or spec.omit); move the shares in Git: kservegen canary run --git", t.Name)
	}
	tree, err := (&runOptions{treeFlags: o.treeFlags}).routes(m, t)
	if err != nil {
		return err
	}
	objects, err := rendered(m, t)
	if err != nil {
		return err
	}
	for i, route := range routesAmong(objects, t) {
		same, err := alike(i, route, tree)
		if err != nil {
			return err
		}
		if !same {
			return usagef("the %s is changed in custom/ of the tree, of which a runner in the cluster knows nothing; run it where the tree is (kservegen canary run), or in Git (--git)", t.RouteKind())
		}
	}
	return nil
}

// alike compares what two ways of building an object give, whose numbers are of different types.
func alike(i int, route map[string]any, tree []map[string]any) (bool, error) {
	if i >= len(tree) {
		return false, nil
	}
	want, err := manifest.Marshal(route["spec"])
	if err != nil {
		return false, err
	}
	has, err := manifest.Marshal(tree[i]["spec"])
	return bytes.Equal(want, has), err
}

// runFlags are those of canary run. What that would refuse is refused here, and what does not go together with running in a pod.
func (o *manifestOptions) runFlags() (*runOptions, error) {
	run := &runOptions{}
	cmd := &cobra.Command{}
	run.register(cmd)
	if err := cmd.ParseFlags(o.objects.Args); err != nil {
		return nil, usagef("behind --: %v", err)
	}
	flags := cmd.Flags()
	if rest := flags.Args(); len(rest) > 0 {
		return nil, usagef("behind --: %s is no flag of canary run", rest[0])
	}
	settled := []string{"filename", "model", "dir", "env", "prometheus", "kubeconfig", "context", "git", "branch", "pull-request", "ready-by", "dry-run"}
	for _, name := range settled {
		if flags.Changed(name) {
			return nil, usagef("behind --: --%s is settled, or makes no sense in a pod", name)
		}
	}
	switch {
	case run.once:
		return nil, usagef("behind --: --once ends with 4 where it is not over, which a Job takes for a failure; leave it out, and the run looks until it is over")
	case run.again && o.objects.Schedule != "":
		return nil, usagef("behind --: --again would give a revision that was rolled back its share again at each time of the schedule; make a Job of it")
	}
	if err := o.mounted(flags); err != nil {
		return nil, err
	}
	run.access.URL, run.elsewhere, o.objects.Webhook = o.objects.Prometheus, true, run.webhookFlags.url
	if err := (metrics.Access{URL: o.objects.Prometheus}).CheckElsewhere(); err != nil {
		return nil, usagef("--prometheus: %w, as pods reach it", err)
	}
	if err := cmp.Or(run.validate(), run.webhookFlags.check()); err != nil {
		return nil, usagef("behind --: %w", err)
	}
	return run, nil
}

// mounted refuses files that the pod will not have.
func (o *manifestOptions) mounted(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		within := strings.HasPrefix(path.Clean(f.Value.String()), incluster.SecretPath+"/")
		switch {
		case !strings.HasSuffix(f.Name, "-file"):
		case !within:
			err = usagef("behind --: the pod has no %s (--%s); put it into a Secret, name that with --secret, and the file %s/…", f.Value, f.Name, incluster.SecretPath)
		case o.objects.Secret == "":
			err = usagef("behind --: --%s is of a Secret; name that with --secret", f.Name)
		}
	})
	return err
}

package chat

import (
	"path"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func behindTheModel() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1509", Name: "page-behind-the-model", Level: finding.Error,
			Summary: "No Service of a model selects the pods of a page.",
			Why: "A Service spreads requests over all pods that its labels select. Where the page's pods have those of the model's, they get a share of the prompts and answer 421 to them, " +
				"as the page's Service would send browsers to the model. The label kservegen.dev/model is the one that a tree's Services and policies select by.",
			How:   "Give the page's pods a label of their own, kservegen.dev/chat for example, and select by that.",
			Refs:  []string{"kubernetes: docs/concepts/services-networking/service (Services with selectors)"},
			Kinds: rule.WorkloadKinds(rule.Service, rule.ServiceEntry),
		},
		Check: func(c *rule.Context) {
			for _, page := range c.ChatPages() {
				for _, service := range c.Services() {
					pods := c.PodsOf(&service)
					model := slices.IndexFunc(pods, isModel)
					if model >= 0 && service.Object.Kind == rule.Service && slices.Contains(pods, page.Workload) {
						c.Report(service.Object.Field("spec", "selector"), "both %s and the page of %s have these labels", pods[model].Object, page.Object)
					}
				}
			}
		},
	}
}

// isModel says whether pods serve a model, as far as it can be seen.
func isModel(w *rule.Workload) bool {
	return w.Serves || slices.ContainsFunc(w.Containers, rule.IsVLLM)
}

func missingFile() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1510", Name: "page-without-its-file", Level: finding.Error,
			Summary: "A file that a page is told to read is mounted.",
			Why: "The program ends when --users-file, --oidc-client-secret-file or --token-file is not there. The keys of a Secret are the names of the files in its volume; " +
				"where items names a key that the Secret lacks, the pod does not even start.",
			How:   "Mount the Secret at the file's folder, and call its key as the flag calls the file.",
			Refs:  []string{"kubernetes: docs/concepts/configuration/secret (using Secrets as files from a Pod)"},
			Kinds: rule.WorkloadKinds(rule.Secret),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				for _, name := range []string{"users-file", "oidc-client-secret-file", "token-file"} {
					if flag, told := page.Flag(name); told && path.IsAbs(flag.Value) {
						checkFile(c, page, flag)
					}
				}
			}
		},
	}
}

func checkFile(c *rule.Context, page rule.ChatPage, flag rule.Flag) {
	file := path.Clean(flag.Value)
	mount, below := mountOf(page, file)
	if !mount.Found() {
		c.Report(flag.At, "nothing is mounted where %s would be", file)
		return
	}
	for _, volume := range page.Volumes() {
		secret := volume.Field("secret")
		if volume.Field("name").Text() != mount.Field("name").Text() || !secret.Found() {
			continue
		}
		key := below
		if items := secret.Field("items"); items.Len() > 0 {
			at := slices.IndexFunc(slices.Collect(items.Items()), func(item rule.Value) bool { return path.Clean(item.Field("path").Text()) == below })
			if at < 0 {
				c.Report(items, "none of them is the file %s", file)
				return
			}
			key = items.Item(at).Field("key").Text()
		}
		held := c.Find(rule.Secret, page.Namespace, secret.Field("secretName").Text())
		if held != nil && !held.Field("data", key).Found() && !held.Field("stringData", key).Found() {
			c.Report(flag.At, "%s has no key %q", held, key)
		}
	}
}

// mountOf is the innermost mount that a file is in, and the file's path within the volume.
func mountOf(page rule.ChatPage, file string) (mount rule.Value, below string) {
	longest := ""
	for _, one := range page.Container.Mounts() {
		at := path.Clean(one.Field("mountPath").Text())
		rest, inside := strings.CutPrefix(file, strings.TrimSuffix(at, "/")+"/")
		if at != file && !inside || len(at) < len(longest) {
			continue
		}
		mount, longest = one, at
		below = path.Join(one.Field("subPath").Text(), rest)
		if at == file {
			below = path.Clean(one.Field("subPath").Text())
		}
	}
	return mount, below
}

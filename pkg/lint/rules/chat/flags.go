package chat

import (
	"strconv"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func refusedFlags() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1513", Name: "page-refuses-its-flags", Level: finding.Error,
			Summary: "The flags of a page go together.",
			Why: "The program ends before it serves anything where a flag lacks another that it goes with, or stands beside one that it does not go with: " +
				"the pod is in CrashLoopBackOff, and its log says which.",
			How:   "Give one of --users-file and --oidc-issuer-url, --oidc-client-id with the latter, and --namespace with --model-deployment.",
			Refs:  []string{"kservegen: cmd/kservegen/internal/cli/chat_web_signin.go", "kservegen: cmd/kservegen/internal/cli/chat_connect.go"},
			Kinds: rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				checkSignIn(c, page)
				if flag, told := page.Flag("model-deployment"); told && !page.SaysNamespace() && !page.ReadsDocument() {
					c.Report(flag.At, "it takes --namespace too")
				}
				if flag, told := page.Flag("requests-per-minute"); told && !signsIn(page) {
					c.Report(flag.At, "it is for each user, and nobody signs in")
				} else if n, err := strconv.Atoi(flag.Value); told && (err != nil || n < 1) {
					c.Report(flag.At, "%s is no whole number from 1 on", flag.Value)
				}
			}
		},
	}
}

func checkSignIn(c *rule.Context, page rule.ChatPage) {
	issuer, oidc := page.Flag("oidc-issuer-url")
	if users, basic := page.Flag("users-file"); basic && oidc {
		c.Report(users.At, "beside --oidc-issuer-url it is a second way to sign in")
	}
	if oidc && !has(page, "oidc-client-id") {
		c.Report(issuer.At, "it takes --oidc-client-id too")
	}
	for _, name := range []string{"oidc-client-id", "oidc-client-secret-file", "oidc-scopes"} {
		if flag, told := page.Flag(name); told && !oidc {
			c.Report(flag.At, "it goes with --oidc-issuer-url")
		}
	}
}

package iam

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/spec"
)

// Role is an IAM role: who may have it, and what it may do.
type Role struct {
	Name string `json:"name"`
	// Path that the ARN of spec.platform.eks.roleArn has before the name, such as /team/; empty for none.
	Path    string `json:"path,omitempty"`
	Account string `json:"account"`
	// Subjects are the ServiceAccounts whose pods get it.
	Subjects []Subject `json:"subjects"`
	// Trust policy and Permissions.
	Trust       Policy `json:"trustPolicy"`
	Permissions Policy `json:"permissionsPolicy"`
}

// ARN of the role.
func (r Role) ARN() string { return r.Subjects[0].arn("iam", "", "role"+cmp.Or(r.Path, "/")+r.Name) }

// Roles are those of all documents, by account and name; of one cluster where it is not empty. Models that name one role share it, and it may read what each of
// them reads. A model that reads nothing of S3 has none.
func Roles(deployments []*spec.Deployment, cluster string) []Role {
	var roles []Role
	for _, deployment := range deployments {
		for _, target := range deployment.Environments {
			if eks := target.Platform.EKS; cluster == "" || eks != nil && eks.Cluster == cluster {
				roles = add(roles, target)
			}
		}
	}
	slices.SortStableFunc(roles, func(a, b Role) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name))
	})
	for i := range roles {
		number(roles[i].Permissions.Statement)
	}
	return roles
}

// add grants a target's role what its revisions read.
func add(roles []Role, t spec.Target) []Role {
	if t.Platform.EKS == nil || t.Platform.EKS.Identity == nil {
		return roles
	}
	subject, statements := subjectOf(t), permissions(t)
	if len(statements) == 0 {
		return roles
	}
	id := t.Platform.EKS.Identity
	at := slices.IndexFunc(roles, func(r Role) bool { return r.Account == id.Account && r.Name == id.Role })
	if at < 0 {
		at = len(roles)
		roles = append(roles, Role{Name: id.Role, Path: pathIn(t.Platform.EKS.RoleARN), Account: id.Account, Trust: Policy{Version: version}, Permissions: Policy{Version: version}})
	}
	role := &roles[at]
	if !slices.Contains(role.Subjects, subject) {
		role.Subjects = append(role.Subjects, subject)
		role.Trust.Statement = append(role.Trust.Statement, subject.trust())
	}
	for _, statement := range statements {
		if !slices.ContainsFunc(role.Permissions.Statement, func(s Statement) bool { return fmt.Sprint(s) == fmt.Sprint(statement) }) {
			role.Permissions.Statement = append(role.Permissions.Statement, statement)
		}
	}
	return roles
}

// pathIn is what a role's ARN has between role and the name; empty where that is a slash.
func pathIn(arn string) string {
	_, resource, _ := strings.Cut(arn, ":role/")
	if end := strings.LastIndex(resource, "/"); end >= 0 {
		return "/" + resource[:end+1]
	}
	return ""
}

// number makes the names of statements different, as IAM wants them.
func number(statements []Statement) {
	seen := map[string]int{}
	for i := range statements {
		sid := statements[i].Sid
		if seen[sid]++; seen[sid] > 1 {
			statements[i].Sid = fmt.Sprintf("%s%d", sid, seen[sid])
		}
	}
}

func subjectOf(t spec.Target) Subject {
	eks := t.Platform.EKS
	return Subject{
		Type: eks.Identity.Type, Account: eks.Identity.Account, Region: eks.Region, Cluster: eks.Cluster,
		OIDCProvider: eks.Identity.OIDCProvider, Namespace: t.Namespace, ServiceAccount: t.Name,
	}
}

// permissions are what the revisions of a target read.
func permissions(t spec.Target) []Statement {
	eks := t.Platform.EKS
	var statements []Statement
	for _, r := range t.Revisions {
		if bucket, ok := r.Model.Bucket(); ok {
			statements = append(statements, read(spec.Partition(eks.Region).ID, bucket)...)
		}
	}
	if len(statements) > 0 && eks.Identity.KMSKeyARN != "" {
		statements = append(statements, decrypt(eks.Identity.KMSKeyARN))
	}
	return statements
}

// identifier makes a name of what a tool wants for its own: letters and digits, with the separator between them, and a letter first.
func identifier(name, separator string) string {
	words := strings.FieldsFunc(name, func(c rune) bool { return !strings.ContainsRune(alphanumeric, c) })
	if separator == "" {
		for i, word := range words {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	if len(words) == 0 || strings.ContainsRune(digits, rune(words[0][0])) {
		words = append([]string{"Role"}, words...)
	}
	return strings.Join(words, separator)
}

// sameIdentifier returns two roles that get one name in what a tool reads, where the second would take the place of the first; empty
// where there are none.
func sameIdentifier(roles []Role) (first, second string) {
	seen := map[string]string{}
	for _, r := range roles {
		id := strings.ToLower(identifier(r.Name, ""))
		if other, is := seen[id]; is {
			return other, r.Name
		}
		seen[id] = r.Name
	}
	return "", ""
}

const (
	digits       = "0123456789"
	alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits
)

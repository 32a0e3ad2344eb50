package native

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (r *report) rbac(object any) {
	rules, subjects, role := field.NewPath("rules"), field.NewPath("subjects"), field.NewPath("roleRef")
	switch o := object.(type) {
	case *rbacv1.Role:
		r.rules(o.Rules, true, rules)
	case *rbacv1.ClusterRole:
		r.rules(o.Rules, false, rules)
	case *rbacv1.RoleBinding:
		r.subjects(o.Subjects, true, subjects)
	case *rbacv1.ClusterRoleBinding:
		r.subjects(o.Subjects, false, subjects)
		if o.RoleRef.Kind == "Role" {
			r.add(field.NotSupported(role.Child("kind"), o.RoleRef.Kind, []string{"ClusterRole"}))
		}
	}
}

// rules are about resources or about URLs, and URLs are no namespace's (ValidatePolicyRule).
func (r *report) rules(rules []rbacv1.PolicyRule, namespaced bool, at *field.Path) {
	for i, rule := range rules {
		place := at.Index(i)
		if len(rule.NonResourceURLs) == 0 {
			if len(rule.APIGroups) == 0 {
				r.required(place.Child("apiGroups"), "resource rules must supply at least one api group")
			}
			if len(rule.Resources) == 0 {
				r.required(place.Child("resources"), "resource rules must supply at least one resource")
			}
			continue
		}
		urls := place.Child("nonResourceURLs")
		r.check(!namespaced, urls, rule.NonResourceURLs, "namespaced rules cannot apply to non-resource URLs")
		onlyURLs := len(rule.APIGroups)+len(rule.Resources)+len(rule.ResourceNames) == 0
		r.check(onlyURLs, urls, rule.NonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs")
	}
}

// subjects: accounts are the cluster's own and live in a namespace, users and groups are RBAC's words
// (ValidateRoleBindingSubject; SetDefaults_Subject fills their group in).
func (r *report) subjects(subjects []rbacv1.Subject, namespaced bool, at *field.Path) {
	for i, subject := range subjects {
		place := at.Index(i)
		if subject.Kind != rbacv1.ServiceAccountKind {
			if subject.APIGroup != "" && subject.APIGroup != rbacv1.GroupName {
				r.add(field.NotSupported(place.Child("apiGroup"), subject.APIGroup, []string{rbacv1.GroupName}))
			}
			continue
		}
		if subject.Name != "" {
			r.invalid(place.Child("name"), subject.Name, validation.IsDNS1123Subdomain(subject.Name)...)
		}
		if subject.APIGroup != "" {
			r.add(field.NotSupported(place.Child("apiGroup"), subject.APIGroup, []string{""}))
		}
		if !namespaced && subject.Namespace == "" {
			r.required(place.Child("namespace"), "")
		}
	}
}

// Package iamtest evaluates IAM policies in tests: the part of the policy language that package iam writes.
package iamtest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/eks/iam"
)

// Request is what somebody asks of AWS.
type Request struct {
	// Principal is who asks, by kind and name, for a trust policy; of a role's own policy it is nil.
	Principal map[string]string
	Action    string
	// Resource is empty for a trust policy, whose role is the resource.
	Resource string
	// Keys are the condition keys that the request has.
	Keys map[string]string
}

// Allowed evaluates a policy: an explicit denial wins, then a statement that allows, else it is denied. What the evaluator does
// not know is an error, never a guess.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func Allowed(p iam.Policy, r Request) (bool, error) {
	allowed := false
	for _, s := range p.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return false, fmt.Errorf("statement %s: effect %q", s.Sid, s.Effect)
		}
		hit, err := matches(s, r)
		switch {
		case err != nil:
			return false, fmt.Errorf("statement %s: %w", s.Sid, err)
		case hit && s.Effect == "Deny":
			return false, nil
		}
		allowed = allowed || hit
	}
	return allowed, nil
}

func matches(s iam.Statement, r Request) (bool, error) {
	conditions, err := holds(s.Condition, r.Keys)
	if err != nil {
		return false, err
	}
	// Actions are the same in any case; resources are not.
	action := slices.ContainsFunc(s.Action, func(p string) bool { return like(strings.ToLower(p), strings.ToLower(r.Action)) })
	resource := len(s.Resource) == 0 && r.Resource == "" || slices.ContainsFunc(s.Resource, func(p string) bool { return like(p, r.Resource) })
	return action && resource && principal(s.Principal, r.Principal) && conditions, nil
}

func principal(of, who map[string]string) bool {
	for kind, name := range of {
		if who[kind] != name {
			return false
		}
	}
	return len(of) > 0 == (len(who) > 0)
}

// holds: operators and keys go together by "and", values of a key by "or". A key's name is the same in any case.
func holds(conditions map[string]map[string][]string, keys map[string]string) (bool, error) {
	all := true
	for operator, byKey := range conditions {
		for key, wanted := range byKey {
			value, there := lookup(keys, key)
			one, err := compare(operator, wanted, value, there)
			if err != nil {
				return false, err
			}
			all = all && one
		}
	}
	return all, nil
}

func lookup(keys map[string]string, name string) (string, bool) {
	for key, value := range keys {
		if strings.EqualFold(key, name) {
			return value, true
		}
	}
	return "", false
}

func compare(operator string, wanted []string, value string, there bool) (bool, error) {
	switch operator {
	case "StringEquals":
		return there && slices.ContainsFunc(wanted, func(w string) bool { return w == value }), nil
	case "StringLike":
		return there && slices.ContainsFunc(wanted, func(w string) bool { return like(w, value) }), nil
	case "Null":
		return slices.ContainsFunc(wanted, func(w string) bool { return w == strconv.FormatBool(!there) }), nil
	}
	return false, fmt.Errorf("operator %q is not known", operator)
}

// like matches * for any text and ? for one character.
func like(pattern, text string) bool {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(quoted)
	return regexp.MustCompile(`(?s)\A` + quoted + `\z`).MatchString(text)
}

package iamtest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/eks/iam"
	"github.com/kservegen/kservegen/pkg/eks/iam/iamtest"
)

type conditions = map[string]map[string][]string

func policy(statements ...iam.Statement) iam.Policy { return iam.Policy{Statement: statements} }

func statement(effect, action, resource string, c conditions) iam.Statement {
	return iam.Statement{Effect: effect, Action: []string{action}, Resource: []string{resource}, Condition: c}
}

// TestEvaluation follows the documented logic, case by case.
func TestEvaluation(t *testing.T) {
	t.Parallel()
	get := iamtest.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
	for name, c := range map[string]struct {
		policy  iam.Policy
		request iamtest.Request
		want    bool
	}{
		"nothing allows":               {policy(), get, false},
		"allowed":                      {policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::b/k", nil)), get, true},
		"an action in another case":    {policy(statement("Allow", "S3:getobject", "arn:aws:s3:::b/*", nil)), get, true},
		"a resource in another case":   {policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::B/k", nil)), get, false},
		"a wildcard crosses slashes":   {policy(statement("Allow", "s3:*", "arn:aws:s3:::*", nil)), get, true},
		"one character":                {policy(statement("Allow", "s3:Get?bject", "arn:aws:s3:::b/?", nil)), get, true},
		"a dot is a dot":               {policy(statement("Allow", "s3:GetObject", "arn.aws:s3:::b/k", nil)), get, false},
		"a prefix is not enough":       {policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::b/", nil)), get, false},
		"denied although allowed":      {policy(statement("Allow", "s3:*", "*", nil), statement("Deny", "s3:GetObject", "*", nil)), get, false},
		"denied elsewhere":             {policy(statement("Allow", "s3:*", "*", nil), statement("Deny", "s3:PutObject", "*", nil)), get, true},
		"a principal's policy is none": {iam.Policy{Statement: []iam.Statement{{Effect: "Allow", Principal: map[string]string{"AWS": "x"}, Action: []string{"*"}, Resource: []string{"*"}}}}, get, false},
	} {
		allowed, err := iamtest.Allowed(c.policy, c.request)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, allowed, name)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		conditions conditions
		keys       map[string]string
		want       bool
	}{
		"equal":                 {conditions{"StringEquals": {"k": {"a", "b"}}}, map[string]string{"K": "b"}, true},
		"equal takes no star":   {conditions{"StringEquals": {"k": {"*"}}}, map[string]string{"k": "b"}, false},
		"like":                  {conditions{"StringLike": {"k": {"a/*"}}}, map[string]string{"k": "a/b/c"}, true},
		"like nothing":          {conditions{"StringLike": {"k": {"a/*"}}}, map[string]string{"k": "a/"}, true},
		"a missing key":         {conditions{"StringLike": {"k": {"*"}}}, nil, false},
		"null of a missing key": {conditions{"Null": {"k": {"true"}}}, nil, true},
		"null of an empty key":  {conditions{"Null": {"k": {"true"}}}, map[string]string{"k": ""}, false},
		"both must hold":        {conditions{"StringEquals": {"k": {"a"}, "l": {"b"}}}, map[string]string{"k": "a"}, false},
		"operators, too":        {conditions{"StringEquals": {"k": {"a"}}, "Null": {"l": {"true"}}}, map[string]string{"k": "a"}, true},
	} {
		allowed, err := iamtest.Allowed(policy(statement("Allow", "x:y", "*", c.conditions)), iamtest.Request{Action: "x:y", Resource: "r", Keys: c.keys})
		require.NoError(t, err, name)
		assert.Equal(t, c.want, allowed, name)
	}
}

func TestWhatIsNotKnownIsAnError(t *testing.T) {
	t.Parallel()
	_, err := iamtest.Allowed(policy(statement("Allow", "x:y", "*", conditions{"IpAddress": {"aws:SourceIp": {"10.0.0.0/8"}}})), iamtest.Request{Action: "x:y", Resource: "r"})
	require.ErrorContains(t, err, "IpAddress")
	_, err = iamtest.Allowed(policy(statement("allow", "x:y", "*", nil)), iamtest.Request{Action: "x:y", Resource: "r"})
	require.ErrorContains(t, err, `effect "allow"`)
}

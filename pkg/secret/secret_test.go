package secret_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/secret"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"HF_TOKEN", "HFTOKEN", "token", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "db_password", "REDIS_PWD", "DB_PASS", "container/env[DB_PASS]/value", "WANDB_APIKEY", "api-key", "container/env[MY_TOKEN]", "GOOGLE_APPLICATION_CREDENTIALS",
	} {
		assert.True(t, secret.Names(name), name)
	}
	for _, name := range []string{"TOKENIZERS_PARALLELISM", "MAX_TOKENS", "PWD", "tokenizer-mode", "VLLM_KEY_CACHE", "MONKEY", "OMP_NUM_THREADS", ""} {
		assert.False(t, secret.Names(name), name)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hf_s3cr3ts3cr3t", "x=sk-abcdefghijklmnop1", "ghp_0123456789012345678901", "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOiJI.eyJzdWIiOiIx.x"} {
		assert.True(t, secret.Token(text), text)
	}
	for _, text := range []string{"hf_hub", "sk-learn", "task-abcdefghijklmnopqrs", "deepseek_r1", "AKIA", "meta-llama/Llama-3.1-8B-Instruct"} {
		assert.False(t, secret.Token(text), text)
	}
}

// TestHidden: whatever the way to say a secret, it is not in what is printed; the rest is.
func TestHidden(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"s3://user:pass@bucket/x":                  "s3://…@bucket/x",
		"HF_TOKEN=s3cr3t vllm serve a/b":           "HF_TOKEN=… vllm serve a/b",
		`["--api-key","s3cr3t"]`:                   `["--api-key","…"]`,
		`export AWS_SECRET_ACCESS_KEY="s3cr3t"`:    `export AWS_SECRET_ACCESS_KEY="…"`,
		"curl -H 'Authorization: Bearer s3cr3t' x": "curl -H 'Authorization: Bearer …' x",
		`{"name":"PGPASSWORD","value":1}`:          `{"name":"PGPASSWORD","…":1}`,
		"--header=Authorization: Basic s3cr3t":     "--header=Authorization: Basic …",
		"run with hf_s3cr3ts3cr3t":                 "run with …",
		"--max-tokens=5 --tokenizer-mode auto":     "--max-tokens=5 --tokenizer-mode auto",
		"https://example.com/a?b=c":                "https://example.com/a?b=c",
	} {
		assert.Equal(t, want, secret.Hide(text, "…"))
	}
}

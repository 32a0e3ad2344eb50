package cli

import (
	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/plan"
	"github.com/kservegen/kservegen/pkg/sizing"
)

type planOptions struct {
	documents documentFlags
	env       string

	model, config, dir   string
	weightsGiB           float64
	weightsBytes         int64
	otherGiB             float64
	gpu                  string
	gpuMemoryGiB         float64
	version              string
	modelLen             string
	settings             sizing.Settings
	log, output, sampler string
	explain              bool
	choice               choiceFlags

	// changed says whether a flag was given, given how many were.
	changed func(flag string) bool
	given   int
	// logged is what the log says, nil without one.
	logged *plan.Log
}

func newPlan(s Streams) *cobra.Command {
	o := &planOptions{}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Say whether a model fits on a GPU, and how many tokens of context remain",
		Long: `Compute what vLLM finds when it starts: weights, the peak of its profile run, what the driver takes, CUDA
graphs, and the KV cache that remains. Each figure has a source and, where it is not exact, a range (--explain).
Nothing is fetched. The exit code is 1 where the engine would not start.

The model is one of the catalogue, a config.json with the size of the weights, a directory of Hugging Face, or
those of a document. Defaults are those of the engine's version on that GPU. Without a GPU the instance types that
hold the model are listed, the cheapest first, with an estimate of their speed.`,
		Example: `  kservegen plan --model-config config.json --weights-gib 15 --gpu l4 --max-model-len 8K
  kservegen plan --model-dir ~/models/llama-3.1-8b --gpu h100 --tp 2 -o json
  kservegen plan -f deepseek.yaml --env production --explain
  kservegen plan --model qwen3-32b --requests-per-second 5 --itl 0.05      which instance types, how many, at what price
  kservegen plan --model llama-3.1-8b --gpu h100 --log vllm.log    compare with what the server logged`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.changed, o.given = cmd.Flags().Changed, cmd.Flags().NFlag()
			return o.run(cmd.Context(), s)
		},
	}
	o.register(cmd)
	return cmd
}

func (o *planOptions) register(cmd *cobra.Command) {
	o.documents.register(cmd)
	o.choice.register(cmd)
	flags, set := cmd.Flags(), &o.settings
	flags.StringVar(&o.env, "env", "", "environment of the document (default all)")
	flags.StringVar(&o.model, "model", "", "model of the catalogue, by name or id on Hugging Face")
	flags.StringVar(&o.config, "model-config", "", "config.json of the model; the weights by --weights-gib or --weights-bytes")
	flags.StringVar(&o.dir, "model-dir", "", "directory with config.json and safetensors files, or their index")
	flags.Float64Var(&o.weightsGiB, "weights-gib", 0, "GiB that the weights take on all GPUs of a replica together, as loaded")
	flags.Int64Var(&o.weightsBytes, "weights-bytes", 0, "bytes of the safetensors files; what loading adds is computed")
	flags.Float64Var(&o.otherGiB, "other-gib", 0, "GiB of one GPU beside weights and cache, as --log prints it (default estimated)")
	flags.StringVar(&o.gpu, "gpu", "", "GPU, by its name in the catalogue or the maker's")
	flags.StringVar(&o.gpu, "accelerator", "", "the same as --gpu")
	flags.Float64Var(&o.gpuMemoryGiB, "gpu-memory-gib", 0, "memory of one GPU as CUDA shows it, instead of the catalogue's")
	flags.StringVar(&o.version, "vllm-version", "", "release of vLLM (default that of the runtime vllm-cuda)")
	flags.Int64Var(&set.TensorParallel, "tp", 1, "tensor parallel size")
	flags.Int64Var(&set.PipelineParallel, "pp", 1, "pipeline parallel size")
	flags.Int64Var(&set.DataParallel, "dp", 1, "data parallel size")
	flags.Int64Var(&set.ContextParallel, "dcp", 1, "decode context parallel size")
	flags.BoolVar(&set.ExpertParallel, "enable-expert-parallel", false, "spread whole experts over the GPUs")
	flags.Float64Var(&set.Utilization, "gpu-memory-utilization", 0, "share of the memory that is asked for (default the version's: 0.9, from 0.20.2 on 0.92)")
	flags.Int64Var(&set.KVCacheBytes, "kv-cache-memory-bytes", 0, "bytes of KV cache, instead of what remains")
	flags.StringVar(&o.modelLen, "max-model-len", "", "context in tokens, such as 8192 or 8K, or auto (default the model's own)")
	flags.Int64Var(&set.MaxSequences, "max-num-seqs", 0, "sequences per step (default the version's for that GPU)")
	flags.Int64Var(&set.MaxBatchedTokens, "max-num-batched-tokens", 0, "tokens per step (default the version's for that GPU)")
	flags.Int64Var(&set.BlockSize, "block-size", 0, "tokens per block of the KV cache (default 16)")
	flags.StringVar(&set.KVCacheDType, "kv-cache-dtype", "", "auto, bfloat16, fp8 and others (default auto)")
	flags.StringVar(&set.Quantization, "quantization", "", "quantise a checkpoint of 16 bit while it is loaded: fp8, bitsandbytes and others")
	flags.StringVar(&set.DType, "dtype", "", "what weights are served in that are not quantised (default auto: 16 bit)")
	flags.BoolVar(&set.EnforceEager, "enforce-eager", false, "no CUDA graphs")
	flags.Int64Var(&set.DraftLayers, "draft-layers", 0, "layers of a speculative draft: 1 for EAGLE and MTP")
	flags.Int64Var(&set.LoRAs, "max-loras", 0, "adapters held at once")
	flags.Int64Var(&set.LoRARank, "max-lora-rank", 0, "their rank (default 16)")
	flags.StringVar(&o.sampler, "sampler", "", "how the profile run samples where the version does not tell: native or flashinfer")
	flags.StringVar(&o.log, "log", "", "start-up log of vLLM to compare with")
	flags.BoolVar(&o.explain, "explain", false, "say of every figure how it is computed and where it comes from")
	flags.StringVarP(&o.output, "output", "o", "text", "text or json")
	complete(cmd, "output", []string{"text", "json"})
	_ = cmd.RegisterFlagCompletionFunc("gpu", completeAccelerators)
	_ = cmd.RegisterFlagCompletionFunc("accelerator", completeAccelerators)
	complete(cmd, "sampler", []string{"native", "flashinfer"})
	_ = cmd.MarkFlagFilename("model-config", "json")
	_ = cmd.MarkFlagDirname("model-dir")
	_ = cmd.MarkFlagFilename("log")
}

func (o *planOptions) validate() error {
	switch {
	case o.output != "text" && o.output != "json":
		return usagef("-o %s is unknown; text or json", o.output)
	case o.sampler != "" && o.sampler != "native" && o.sampler != "flashinfer":
		return usagef("--sampler %s is unknown; native or flashinfer", o.sampler)
	}
	if err := o.validateModel(); err != nil {
		return err
	}
	if err := o.choice.validate(); err != nil {
		return err
	}
	return o.validateNumbers()
}

// validateModel wants one way to name the model.
func (o *planOptions) validateModel() error {
	models := 0
	for _, given := range []string{o.model, o.config, o.dir} {
		if given != "" {
			models++
		}
	}
	document := len(o.documents.files) > 0
	switch {
	case document && (models > 0 || o.settled()):
		return usagef("-f says all of the model, the GPU and the flags; beside it are --env, --explain, --log and -o")
	case !document && models != 1:
		return usagef("which model? one of -f DOC, --model NAME, --model-config FILE, --model-dir DIR")
	case !document && o.env != "":
		return usagef("--env is about a document; -f names it")
	case o.log != "" && !document && o.gpu == "" && o.gpuMemoryGiB == 0:
		return usagef("--log is of a server on one GPU: --gpu NAME or --gpu-memory-gib N says which")
	case o.choice.prices != "" && (o.gpu != "" || o.gpuMemoryGiB != 0):
		return usagef("--prices is for choosing an instance type; leave --gpu out")
	case o.weightsGiB != 0 && o.weightsBytes != 0:
		return usagef("--weights-gib and --weights-bytes are two ways to say the same; keep one")
	}
	return nil
}

// settled says whether a flag sets what a document says itself.
func (o *planOptions) settled() bool {
	others := o.given
	for _, flag := range []string{"filename", "env", "explain", "log", "output"} {
		if o.changed(flag) {
			others--
		}
	}
	return others > 0
}

// mostGiB is more than any machine has.
const mostGiB = 1 << 20

func (o *planOptions) validateNumbers() error {
	for _, gib := range []float64{o.weightsGiB, o.gpuMemoryGiB, o.otherGiB} {
		if !(gib >= 0 && gib <= mostGiB) {
			return usagef("%g GiB: want 0 to %d", gib, mostGiB)
		}
	}
	set := o.settings
	for _, size := range []int64{set.TensorParallel, set.PipelineParallel, set.DataParallel, set.ContextParallel} {
		if size < 1 {
			return usagef("parallel sizes must be at least 1")
		}
	}
	for _, count := range []int64{o.weightsBytes, set.MaxSequences, set.MaxBatchedTokens, set.BlockSize, set.DraftLayers, set.LoRAs, set.LoRARank} {
		if count < 0 {
			return usagef("counts must be positive: %d", count)
		}
	}
	return nil
}

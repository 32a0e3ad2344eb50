# kservegen: build, test, demonstrate. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export CGO_ENABLED := 0
GO        ?= go
BIN       := bin
CLI       := $(BIN)/kservegen
LINTER    := $(BIN)/golangci-lint
# Its own for each checkout: the linter's cache names files by where they lay, and one that is gone makes it fail.
export GOLANGCI_LINT_CACHE := $(CURDIR)/$(BIN)/lint
KUSTOMIZE := $(BIN)/kustomize
PEERS     := kubeconform kubectl-validate istioctl
EXAMPLE   := overlays/deepseek-r1-distill-llama-8b-a10g/document.yaml
FUZZTIME  ?= 5s
FUZZ      := spec:FuzzLoad manifest:FuzzRead manifest:FuzzMarshal schema:FuzzValidate effective:FuzzOf istiod:FuzzRefusals load:FuzzStream load:FuzzKustomization report:FuzzReport lint:FuzzShapes sizing:FuzzConfig chat:FuzzEvents chat:FuzzThink chat:FuzzPlain chat/terminal:FuzzColumn chat/web/signin:FuzzUsers chat/web/signin:FuzzAttempt
MIN_GO    := 1.26
LOGS      ?= $(BIN)/logs
TREE      ?= overlays/deepseek-r1-distill-llama-8b-a10g/deepseek-r1/overlays/production
RUN       ?= TestE2E/cases
SOAK      ?= TestE2E/round_[0-9]+/(canary|shift)
ROUNDS    ?= 10
IMAGE     ?= registry.example.com/kservegen:v1

# tier NAME,COMMANDS runs the commands and prints the seconds they took. In a shell of its own, whose status counts: after
# a group in braces a failed && would be forgotten (bash's set -e).
define tier
	@start=$$(date +%s); echo "== $(1)"; ( $(2) ); echo "== $(1): $$(( $$(date +%s) - start )) s"
endef

##@ Use

.PHONY: demo
demo: build ## Render the DeepSeek example, build every overlay, show what is in it
	@rm -rf deploy
	@echo '$$ kservegen render -f $(EXAMPLE) -o deploy'
	@$(CLI) render -f $(EXAMPLE) -o deploy
	@echo; echo '$$ find deploy -type f | sort'
	@find deploy -type f | LC_ALL=C sort
	@echo; echo '$$ kservegen diff -f $(EXAMPLE) -d deploy    # builds every overlay with kustomize and compares'
	@$(CLI) diff -f $(EXAMPLE) -d deploy
	@echo; echo '$$ kservegen render -f $(EXAMPLE) --env production    # its objects:'
	@$(CLI) render -f $(EXAMPLE) --env production | awk '/^kind:/ {kind=$$2} /^metadata:/ {meta=1} meta && /^  name:/ {printf "  %-24s %s\n", kind, $$2; meta=0}'
	@echo; echo 'Next: read deploy/deepseek-r1/base/inferenceservice-v1.yaml, change $(EXAMPLE),'
	@echo 'run `$(CLI) diff -f $(EXAMPLE) -d deploy`, or start your own: `$(CLI) init --list`.'
	@echo 'On a cluster with KServe and Istio: kubectl apply -k deploy/deepseek-r1/overlays/production'

.PHONY: build
build: prerequisites ## Build bin/kservegen
	@$(GO) build -o $(CLI) ./cmd/kservegen

# -f, since Docker looks for a Dockerfile; .dockerignore leads to .containerignore for it.
.PHONY: image
image: ## Build kservegen's container image with podman or docker (IMAGE=registry.example.com/kservegen:v1)
	@builder=$$(command -v podman || command -v docker) || { echo "make image needs podman or docker, and neither is on the PATH; on Debian, as root: apt-get update && apt-get install -y --no-install-recommends podman buildah" >&2; exit 1; }; \
	    "$$builder" build -t '$(IMAGE)' -f Containerfile . && echo "$(IMAGE) is built; push it: $$builder push $(IMAGE)"

.PHONY: overlays
overlays: build ## Render the reference trees in overlays/ from their documents
	@for d in overlays/*/; do set -- render -f "$$d/document.yaml" -o "$$d" $$(test -d "$$d/_shared" && echo --shared); \
	    $(CLI) "$$@" 2>/dev/null || { $(CLI) "$$@"; exit 1; }; done; echo "$$(ls -d overlays/*/ | wc -l) reference trees are current"

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*##/ {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Test

.PHONY: test
test: lint unit harness fuzz clients web envtest native ## Everything without a cluster: lint, unit and property tests, fuzzing, other builders, a real browser, a real API server

.PHONY: test-quick
test-quick: prerequisites ## The inner loop: vet and unit tests
	$(call tier,vet,$(GO) vet ./...)
	$(call tier,unit,$(GO) test -short ./...)

.PHONY: lint
lint: prerequisites $(LINTER) ## gofmt, go vet, staticcheck and the rest of .golangci.yml
	$(call tier,lint,test -z "$$(gofmt -l cmd pkg runtimes overlays e2e | tee /dev/stderr)" && $(GO) vet ./... && $(LINTER) run ./... && $(GO) -C e2e/clients vet ./... && $(GO) -C e2e/tools/schemas vet ./... && $(GO) -C e2e/envtest vet ./... && $(GO) -C e2e/cluster vet ./... && $(GO) -C e2e/kind vet ./... && $(GO) -C e2e/mock vet ./... && $(GO) -C e2e/native vet ./... && $(GO) -C e2e/queries vet ./... && $(GO) -C e2e/tools/native vet ./...)

.PHONY: unit
unit: prerequisites ## Unit, property, golden and command tests
	$(call tier,unit,$(GO) test -count=1 ./...)

.PHONY: harness
harness: prerequisites ## What the cluster suite is made of, without a cluster
	$(call tier,harness,$(GO) -C e2e/mock test -count=1 ./... && $(GO) -C e2e/cluster test -count=1 -short ./... && $(GO) -C e2e/kind test -count=1 -short ./...)

.PHONY: fuzz
fuzz: prerequisites ## Fuzz every parser and checker, FUZZTIME each
	$(call tier,fuzz,for t in $(FUZZ); do $(GO) test ./pkg/$${t%%:*} -list "^$${t##*:}$$" | grep -x $${t##*:} || exit 1; $(GO) test ./pkg/$${t%%:*} -run '^$$' -fuzz "^$${t##*:}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x; done)

.PHONY: clients
clients: build ## The same bytes by kustomize, kubectl and Flux; CRD schemas; strict decoding; queries, alerts, panels and the canary's gate by Prometheus' engine
	$(call tier,clients,$(GO) -C e2e/clients test -count=1 ./... && $(GO) -C e2e/queries test -count=1 ./...)

.PHONY: tools
tools: prerequisites ## etcd, kube-apiserver, KServe and istiod for the suites (minutes, once; tool-NAME for one)
	$(call tier,tools,$(GO) run ./e2e/tools/build)

.PHONY: e2e-tools
e2e-tools: prerequisites ## What a real cluster is made of, from source (12 minutes, once)
	$(call tier,e2e-tools,$(GO) run ./e2e/tools/build -set cluster,node)

tool-%: prerequisites
	@$(GO) run ./e2e/tools/build $*

.PHONY: envtest
envtest: tools ## A real API server, with and without KServe's and Istio's webhooks, judges the trees
	$(call tier,envtest,$(GO) -C e2e/envtest test -count=1 ./...)

.PHONY: native
native: prerequisites ## The API server's own validation of native kinds against pkg/schema (after tools seconds, alone minutes, once)
	$(call tier,native,$(GO) -C e2e/native test -count=1 -v ./...)

.PHONY: web
web: build web-packages tool-llm-d-inference-sim tool-dex ## A real Chromium judges the page of the chat, with simulated and hostile models and a real identity provider (PICTURES=docs/images draws those of the docs)
	@$(GO) build -o $(BIN)/chat-web ./e2e/web/server
	@cd e2e/web && npm ci --omit=optional --silent
	$(call tier,web,export KSERVEGEN_SIMULATOR=$$($(BIN)/chat-web -tool llm-d-inference-sim) KSERVEGEN_DEX=$$($(BIN)/chat-web -tool dex) && cd e2e/web && $(if $(PICTURES),PICTURES='$(abspath $(PICTURES))') node --test --test-concurrency=1)

# The letters are for the pictures: they look the same wherever they are drawn. A browser of one's own (CHROMIUM) has its own.
.PHONY: web-packages
web-packages:
	@lacks=""; for p in node:nodejs npm:npm $$([ -n "$${CHROMIUM:-}" ] || echo chromium:chromium); do command -v $${p%%:*} >/dev/null || lacks="$$lacks $${p##*:}"; done; \
	    [ -n "$${CHROMIUM:-}" ] || [ -d /usr/share/fonts/truetype/roboto ] || lacks="$$lacks fonts-roboto-unhinted"; \
	    [ -z "$$lacks" ] || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; } || { echo "make web lacks$$lacks; on Debian, as root: apt-get update && apt-get install -y --no-install-recommends$$lacks (CHROMIUM=PATH takes a Chromium that is elsewhere)" >&2; exit 1; }; \
	    [ -z "$$lacks" ] || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$lacks; }

.PHONY: bench
bench: build $(KUSTOMIZE) peers ## CPU of render and validate against the usual tools, side by side (minutes)
	@$(GO) run ./e2e/bench -kservegen $(CLI) -kustomize $(KUSTOMIZE)

# A peer that cannot be built is no reason not to measure the others: the bench says that it is missing.
.PHONY: peers
peers: prerequisites
	@for p in $(PEERS); do $(MAKE) $(BIN)/$$p || echo "$$p cannot be built; the bench goes on without it"; done

.PHONY: accuracy
accuracy: prerequisites ## Logged start-ups beside our estimate and those of others; rewrites the table in docs/plan.md
	@$(GO) test ./pkg/sizing -run TestAccuracy -update -v | sed -n '/| point/,/| \*\*the same/p'

.PHONY: gate-power
gate-power: prerequisites ## Simulate 10,000 hours of each kind (10 minutes): how often the canary's gate and fixed thresholds err; rewrites the table in docs/canary-gate.md
	@$(GO) test ./pkg/rollout/gate -run TestPower -update -timeout 2h -v | sed -n '/| an hour of/,/^ *$$/p'

##@ A real cluster

# The harness stops by itself, and a round of the soak takes some seven minutes: -timeout is for a machine that hangs.
E2E = KSERVEGEN_E2E=1 $(GO) -C e2e/kind test -count=1 -v -timeout 120m

.PHONY: e2e
e2e: prerequisites ## Prove a tree in a real cluster with mocked GPUs, of its own: up, all cases but Flux, scaling and rollout, down (TREE=an overlay)
	@$(MAKE) e2e-down; status=0; $(MAKE) e2e-test || status=$$?; $(MAKE) e2e-down || status=$$?; exit $$status

.PHONY: e2e-test
e2e-test: prerequisites $(if $(findstring E2E/chat,$(RUN)),web-packages) ## The same in the cluster that is up, or a new one, and leave it (RUN=TestE2E/cases/canary for one case; TestE2E/flux, TestE2E/scaling, TestE2E/rollout; TestE2E/keda, TestE2E/shared, TestE2E/users, TestE2E/chat with a TREE that has it)
	$(call tier,e2e,$(E2E) -run '$(RUN)' . -args -- -tree '$(abspath $(TREE))' -dump '$(abspath $(LOGS))')

.PHONY: e2e-checks
e2e-checks: prerequisites ## Prove the suite: mistakes made on purpose are noticed, the network is what it is taken for
	$(call tier,e2e-checks,$(E2E) -run 'TestE2E/mistakes' . -args -- -dump '$(abspath $(LOGS))' && $(GO) -C e2e/cluster test -count=1 -run TestNetwork .)

.PHONY: e2e-soak
e2e-soak: prerequisites ## The traffic cases ten times on one cluster (ROUNDS=3 SOAK=TestE2E/round for all cases, three times)
	$(call tier,e2e-soak,$(E2E) -run '$(SOAK)' . -args -- -tree '$(abspath $(TREE))' -dump '$(abspath $(LOGS))' -rounds $(ROUNDS))

.PHONY: e2e-packages
e2e-packages: prerequisites ## Install the Debian packages that the cluster takes and this machine lacks (root)
	@lacks=$$($(GO) -C e2e/kind run ./cmd/e2e packages); [ -z "$$lacks" ] || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$lacks; }

.PHONY: e2e-up
e2e-up: prerequisites ## Three nodes of real Kubernetes with KServe, Istio and the tree in it
	$(call tier,e2e-up,$(GO) -C e2e/kind run ./cmd/e2e -tree '$(abspath $(TREE))' up)

.PHONY: e2e-down
e2e-down: prerequisites ## Take the cluster down; what was built stays
	@$(GO) -C e2e/kind run ./cmd/e2e down

.PHONY: e2e-clean
e2e-clean: prerequisites ## Take it down and remove all that the suites built, several gigabytes (minutes to build again)
	@$(GO) -C e2e/kind run ./cmd/e2e clean

.PHONY: e2e-logs
e2e-logs: prerequisites ## Write objects, events, Envoy's configuration and the logs of every pod and node to LOGS
	@$(GO) -C e2e/kind run ./cmd/e2e logs '$(abspath $(LOGS))' && echo "logs are in $(LOGS)"

##@ Maintain

.PHONY: generate
generate: prerequisites ## Regenerate the schemas, the goldens and what is taken from KServe
	@$(GO) test ./pkg/spec -run TestSchema -update
	@$(GO) -C e2e/tools/schemas run .
	@$(MAKE) overlays
	@$(GO) test ./pkg/render -run TestWhatEnginesGet -update
	@$(GO) test ./pkg/lint -run TestPages -update
	@$(GO) test ./pkg/effective -run 'TestShippedManifests|TestGolden' -update

# Never part of a build: it needs Python and PyPI, and a release that was read does not change.
.PHONY: generate-vllm
generate-vllm: ## Read what vLLM's releases take and export out of their sources (15 s for each that is new)
	@python3 -m venv $(BIN)/vllmflags/venv && $(BIN)/vllmflags/venv/bin/pip install -q -r hack/vllmflags/requirements.txt
	@cd hack/vllmflags && $(CURDIR)/$(BIN)/vllmflags/venv/bin/python -B -m unittest -q
	@$(BIN)/vllmflags/venv/bin/python -B hack/vllmflags

.PHONY: verify
verify: generate ## Fail where something generated is not current or go.mod is not tidy
	@$(GO) -C e2e/tools/schemas test -count=1 ./...
	@$(GO) mod tidy -diff && $(GO) -C e2e/envtest mod tidy -diff && $(GO) -C e2e/cluster mod tidy -diff && $(GO) -C e2e/native mod tidy -diff && $(GO) -C e2e/kind mod tidy -diff && $(GO) -C e2e/mock mod tidy -diff && $(GO) -C e2e/queries mod tidy -diff && $(GO) -C e2e/tools/native mod tidy -diff && git diff --exit-code && test -z "$$(git status --porcelain | tee /dev/stderr)"

.PHONY: clean
clean: ## Remove what was built
	@rm -rf $(BIN) deploy

$(LINTER): e2e/tools/lint/go.mod
	@echo "building golangci-lint (once, minutes)"
	@$(GO) -C e2e/tools/lint build -o $(CURDIR)/$(LINTER) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(KUSTOMIZE): e2e/clients/go.mod
	@$(GO) -C e2e/clients build -o $(CURDIR)/$(KUSTOMIZE) sigs.k8s.io/kustomize/kustomize/v5

$(PEERS:%=$(BIN)/%): $(BIN)/%: e2e/tools/peers/%/go.mod
	@echo "building $* (once, minutes)"
	@$(GO) -C e2e/tools/peers/$* build -o $(CURDIR)/$@ tool

.PHONY: prerequisites
prerequisites:
	@command -v $(GO) >/dev/null || { echo "kservegen needs Go $(MIN_GO) or newer (https://go.dev/dl); $(GO) is not on the PATH" >&2; exit 1; }
	@have=$$($(GO) env GOVERSION | sed 's/^go//'); [ "$$(printf '%s\n' $(MIN_GO) "$$have" | sort -V | head -n1)" = $(MIN_GO) ] || { echo "kservegen needs Go $(MIN_GO) or newer (https://go.dev/dl); this is $$have" >&2; exit 1; }
	@command -v git >/dev/null || { echo "kservegen needs git; it is not on the PATH" >&2; exit 1; }

# Targets work in a fresh clone with Go, make and git alone. `make help` lists them.

SHELL   := /bin/bash
BIN     := bin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOFLAGS_BUILD := -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

.PHONY: build
build: ## Build the connector into bin/
	go build $(GOFLAGS_BUILD) -o $(BIN)/ ./cmd/baton-whimsical

.PHONY: tools
tools: build ## Build the connector, the simulator and the baton command into bin/
	go build -o $(BIN)/ ./cmd/whimsical-sim
	go build -C internal/tools -o $(CURDIR)/$(BIN)/ github.com/conductorone/baton-sdk/cmd/baton

.PHONY: demo
demo: tools ## Sync a simulated workspace, end to end, and show the result
	scripts/demo.sh

.PHONY: explore
explore: tools ## The same, then open the baton web explorer on the result
	scripts/demo.sh explore

.PHONY: test
test: ## Everything that must pass
	@echo "On two cores: two and a half minutes with a warm build cache, five more the first time."
	go test $(TESTFLAGS) ./...

# The manifests lie outside of the module of their tests, so the test cache would not notice their changes.
.PHONY: manifests
manifests: ## Check the Kubernetes manifests against the API types
	go test -C deploy/kubernetes/manifesttest -count=1 $(TESTFLAGS) ./...

.PHONY: race
race: ## The tests under the race detector
	go test -race ./...

.PHONY: lint
lint: ## Run the pinned golangci-lint
	go build -C internal/tools -o $(CURDIR)/$(BIN)/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	$(BIN)/golangci-lint run ./...

.PHONY: e2e
e2e: ## The tests of the real binaries alone: one-shot, service mode and lambda
	go test -count=1 $(TESTFLAGS) ./internal/e2e/...

.PHONY: cross
cross: ## Build static binaries for linux, darwin and windows on amd64 and arm64 into dist/
	@set -e; for os in linux darwin windows; do for arch in amd64 arm64; do \
		out=dist/baton-whimsical-$$os-$$arch; [ $$os = windows ] && out=$$out.exe; \
		echo "$$out"; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build $(GOFLAGS_BUILD) -o $$out ./cmd/baton-whimsical; \
	done; done

# A release publishes this image as ghcr.io/OWNER/baton-whimsical. It has no base
# image, so building it pulls none. The same commit makes the same image.
IMAGE    ?= baton-whimsical:dev
ARCH     ?= $(shell go env GOARCH)
SOURCE   ?= https://github.com/conductorone/baton-whimsical
REVISION := $(shell git rev-parse HEAD 2>/dev/null)
CREATED  := $(shell git log -1 --format=%cI 2>/dev/null)

.PHONY: image
image: ## Build a minimal OCI image into dist/, for docker load (IMAGE=name:tag ARCH=amd64)
	CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build $(GOFLAGS_BUILD) -o dist/image-$(ARCH)/baton-whimsical ./cmd/baton-whimsical
	go run -C internal/tools/image . -binary $(CURDIR)/dist/image-$(ARCH)/baton-whimsical -arch $(ARCH) -tag $(IMAGE) \
		-source $(SOURCE) -revision $(REVISION) -version $(VERSION:v%=%) -created $(CREATED) -out $(CURDIR)/dist/image-$(ARCH).tar
	@echo "dist/image-$(ARCH).tar: docker load -i dist/image-$(ARCH).tar"

.PHONY: generate
generate: ## Write conf.gen.go, config_schema.json and baton_capabilities.json anew
	go generate ./pkg/config
	go test -count=1 -run TestGeneratedFiles ./internal/e2e -generate

.PHONY: bench
bench: ## Run the benchmarks: small ones, whole syncs, whole processes (about 12 minutes)
	go test -run '^$$' -bench . -benchmem ./pkg/...
	mkdir -p dist
	set -o pipefail; go test -run '^$$' -bench Process -benchtime 5x -timeout 2h ./internal/bench | tee dist/bench.txt

.PHONY: chart
chart: ## Draw docs/performance.svg from the last make bench
	go run -C internal/tools/chart . -out $(CURDIR)/docs/performance.svg < dist/bench.txt

.PHONY: fuzz
fuzz: ## Run each fuzz target for two minutes (FUZZTIME=2m)
	scripts/fuzz.sh $(or $(FUZZTIME),2m)

# A tool, not a gate: each line is a change of the code that no test notices.
.PHONY: mutate
mutate: ## Print the mutation score of the client and the connector (an hour; MUTATE=./pkg/connector for one)
	go run -C internal/tools/mutate . -root $(CURDIR) $(or $(MUTATE),./pkg/whimsical ./pkg/connector)

.PHONY: clean
clean: ## Remove what the targets made
	rm -rf $(BIN) dist

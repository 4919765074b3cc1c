# make run    the main job: SPDF at the size of GPT-3 XL and GPT-2 Small on the whole wafer
# make matmul the ten-point MatMul curve on the whole wafer
# make test   all tests
# make bench  speed of the engines, printed with the machine it ran on
GO ?= go

# Random tests draw the same cases in every run; RAPID_SEED=0 draws others.
export RAPID_SEED ?= 20221031

.PHONY: build run matmul throughput scaling variants test short lint bench fuzz view-picture clean

build:
	$(GO) build -o bin/cs2sim ./cmd/cs2sim

run: build
	bin/cs2sim run examples/gpt3xl.toml

matmul: build
	bin/cs2sim run examples/matmul12k.toml

# Published throughput of dense training, and what it hangs on.
throughput: build
	bin/cs2sim run examples/gpt-throughput.toml

# Strong and weak scaling over 1 to 192 wafers.
scaling: build
	bin/cs2sim run examples/gpt-scaling.toml

variants: build
	bin/cs2sim run examples/matmul12k_variants.toml

test: lint
	$(GO) test $$($(GO) list ./... | grep -v /plots/view)
	$(GO) test ./plots/view # by itself: it also takes the page's time

short:
	$(GO) test -short ./...

lint:
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); if [ -n "$$bad" ]; then echo "not gofmt-clean:" $$bad; exit 1; fi
	$(GO) vet ./...

bench:
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./...

# Each parser for a minute. Making a table of the trace small takes the fuzzer all of it if it may.
fuzz:
	$(GO) test -run '^$$' -fuzz FuzzRunFile -fuzztime 60s ./sims
	$(GO) test -run '^$$' -fuzz FuzzParseAxis -fuzztime 60s ./sims
	$(GO) test -run '^$$' -fuzz FuzzKernelArgs -fuzztime 60s ./sims
	$(GO) test -run '^$$' -fuzz FuzzWatching -fuzztime 60s ./cmd/cs2sim
	$(GO) test -run '^$$' -fuzz FuzzTable -fuzztime 60s -fuzzminimizetime 100x ./sims/trace
	$(GO) test -run '^$$' -fuzz FuzzManifest -fuzztime 60s ./sims/trace
	$(GO) test -run '^$$' -fuzz FuzzPointWindows -fuzztime 60s ./sims
	$(GO) test -run '^$$' -fuzz FuzzCalls -fuzztime 60s ./plots/view
	$(GO) test -run '^$$' -fuzz FuzzReadHFConfig -fuzztime 60s ./model
	$(GO) test -run '^$$' -fuzz FuzzParseGPT2 -fuzztime 60s ./model/text
	$(GO) test -run '^$$' -fuzz FuzzPairs -fuzztime 60s ./model/text
	$(GO) test -run '^$$' -fuzz FuzzEncode -fuzztime 60s ./model/text
	$(GO) test -run '^$$' -fuzz FuzzTokens -fuzztime 60s ./model/metrics
	$(GO) test -run '^$$' -fuzz 'FuzzParse$$' -fuzztime 60s ./model/safetensors
	$(GO) test -run '^$$' -fuzz FuzzCheckpoint -fuzztime 60s ./sims/train
	$(GO) test -run '^$$' -fuzz FuzzParseAlgorithm -fuzztime 60s ./sims/kernels

# The picture of cs2sim view in the documents: needs Chromium and the folder of a run.
VIEW_DIR ?= runs/matmul12k
VIEW_SETUP ?= await cs2sim.chooseRuns(3); cs2sim.show("state.wait_partial_sums"); cs2sim.pin({x: 210, y: 300})
view-picture:
	$(GO) test ./plots/view -run 'TestShot$$' -shot '$(abspath $(VIEW_DIR))' -shot-file '$(abspath docs/img/view.png)' -shot-script '$(VIEW_SETUP)'

clean:
	rm -rf bin runs

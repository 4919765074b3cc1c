# make run    the main job: the ten-point MatMul curve on the whole wafer
# make test   all tests
# make bench  speed of the engines, printed with the machine it ran on
GO ?= go

.PHONY: build run variants test short lint bench fuzz clean

build:
	$(GO) build -o bin/cs2sim ./cmd/cs2sim

run: build
	bin/cs2sim run examples/matmul12k.toml

variants: build
	bin/cs2sim run examples/matmul12k_variants.toml

test: lint
	$(GO) test ./...

short:
	$(GO) test -short ./...

lint:
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); if [ -n "$$bad" ]; then echo "not gofmt-clean:" $$bad; exit 1; fi
	$(GO) vet ./...

bench:
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./...

# Each parser for a minute.
fuzz:
	$(GO) test -run '^$$' -fuzz FuzzRunFile -fuzztime 60s ./sims
	$(GO) test -run '^$$' -fuzz FuzzParseAxis -fuzztime 60s ./sims
	$(GO) test -run '^$$' -fuzz FuzzKernelArgs -fuzztime 60s ./sims
	$(GO) test -run '^$$' -fuzz FuzzWatching -fuzztime 60s ./cmd/cs2sim

clean:
	rm -rf bin runs

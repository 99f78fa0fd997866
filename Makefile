# Everything that is done by hand and in CI. `make` alone lists it.
# Needs python 3.11, 3.12 or 3.13, make, and a package index that pip can reach.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

# make nightly CONFIG=path RUN_DATE=2026-03-01
CONFIG ?=
RUN_DATE ?=

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: nightly
nightly: $(RUNTIME)  ## tonight's list and plan, from nothing: CONFIG=path RUN_DATE=2026-03-01 (else the demo company)
	@$(BIN)/forestall nightly $(if $(CONFIG),--config '$(CONFIG)') $(if $(RUN_DATE),--run-date $(RUN_DATE))

.PHONY: test
test: check  ## format, lint, types, import layers, dbt parse, lock in step, all tests
	$(RUN) pytest $(PYTEST)

.PHONY: quick
quick: check  ## the same without the slow tests
	$(RUN) pytest -m 'not slow' $(PYTEST)

PYTEST := -n 2 --dist loadfile --no-loadscope-reorder  # in the order that tests/conftest.py gives

.PHONY: check
check: $(DEV)  ## all that is not a test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python deploy/lock.py check
	$(BIN)/dbt --quiet parse --project-dir dbt_project --profiles-dir dbt_project --target-path $(CURDIR)/var/dbt-parse --log-path $(CURDIR)/var/dbt-parse

.PHONY: format
format: $(DEV)  ## put the code into its format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(RUNTIME)  ## time and peak memory of each step beside the bare work: SIZE=small, medium, churn, shifts, requirement, volume or today
	$(RUN) $(if $(filter churn shifts requirement today volume,$(SIZE)),benchmarks.$(SIZE) $(if $(filter volume,$(SIZE)),speed),benchmarks.night $(or $(SIZE),small))

.PHONY: lock
lock: $(DEV)  ## pin every dependency with its hashes, for all supported Pythons
	$(BIN)/python deploy/lock.py write

.PHONY: setup
setup: $(DEV)  ## make .venv with everything that running and testing need

.PHONY: clean
clean:  ## take away what can be made again; var/ stays
	rm -rf $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dbt_project/target
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): requirements.lock pyproject.toml
	@deploy/install.sh requirements.lock
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml
	@deploy/install.sh requirements-dev.lock
	@touch $@ $(RUNTIME)

# Everything a developer types; `make` alone lists it. Needs bash, Python 3.11 or newer with its venv module; the tests a little more (CONTRIBUTING.md).

PYTHON ?= python3
ROUNDS ?= 9
ONLY ?=
WRITE ?=
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# .venv has the tools and this tree (editable); .venv-test has the built wheel and no tool but the tests';
# .venv-bench has this tree and the peers that it is measured beside.
DEV := .venv
WHEEL := .venv-test
BENCH := .venv-bench
PIP := -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation
# Folders too: one is newer than the wheel once a file in it is gone.
SOURCES := $(shell find infrastructure -name __pycache__ -prune -o -print) $(wildcard examples/data/*) pyproject.toml LICENSE README.md

# A tree that was copied together with its environments must not use those of the original.
HERE := $(shell pwd | cksum | cut -d' ' -f1)
DEV_READY := $(DEV)/.dev-$(HERE)
CLI_READY := $(DEV)/.cli-$(HERE)
LOCK_READY := $(WHEEL)/.lock-$(HERE)
WHEEL_READY := $(WHEEL)/.wheel-$(HERE)
BENCH_READY := $(BENCH)/.bench-$(HERE)
# A development environment runs the demo too; only a bare tree needs the small one.
DEMO_READY := $(if $(wildcard $(DEV_READY)),$(DEV_READY),$(CLI_READY))

COMPILE = $(DEV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate $(UPGRADE)
phase = @printf '\n== %s  (%s)\n' "$(1)" "$$(date +%T)"

.PHONY: help setup demo test check lint format types arrows wheel wheel-tests bench faults-table soak lock clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(DEV_READY) ## make .venv: this tree (editable), all extras, all tools

demo: $(DEMO_READY) ## see it work, without a server
	$(DEV)/bin/infrastructure demo

test: setup lint types arrows wheel wheel-tests ## everything CI does: lint, types, arrows, then the tests against the built wheel
	$(call phase,all passed)

check: setup lint ## the quick look: lint, and the fast tests against the tree
	$(DEV)/bin/python -m pytest -q -m 'not slow' tests/unit tests/architecture

lint: $(DEV_READY) ## ruff and the spelling
	$(call phase,lint)
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/codespell

format: $(DEV_READY) ## let ruff mend what it can
	$(DEV)/bin/ruff check --fix .
	$(DEV)/bin/ruff format .

types: $(DEV_READY) ## mypy, pyright, and how much of the public surface is typed
	$(call phase,types)
	$(DEV)/bin/mypy
	$(DEV)/bin/python tools/public_types.py

arrows: $(DEV_READY) ## imports point one way
	$(call phase,arrows)
	$(DEV)/bin/python tools/arrows.py

wheel: $(WHEEL_READY) ## build the wheel and install it into .venv-test

wheel-tests: $(WHEEL_READY) ## the tests against the installed wheel, with the coverage gates
	$(call phase,tests against the wheel)
	tools/test_wheel.sh $(WHEEL)

bench: $(BENCH_READY) ## how fast ours is beside its peers (ONLY=part of a name, ROUNDS=9, at least 5; WRITE=1: keep that part)
	$(BENCH)/bin/python -m benchmarks --rounds $(ROUNDS) $(if $(WRITE),--write) '$(ONLY)'

faults-table: $(BENCH_READY) ## the same faults for ours and what people use (PART=kafka); results into docs/reference/faults.md
	$(BENCH)/bin/python -m benchmarks.faults $(if $(PART),--part $(PART))

soak: $(DEV_READY) ## the long forms of the fault tests, once (FOLDERS=kafka_groups); results into docs/reference/soak.md
	$(DEV)/bin/python tools/soak.py $(FOLDERS)

lock: $(DEV_READY) ## resolve the lock files anew (UPGRADE=--upgrade for newer versions)
	$(COMPILE) --all-extras --group dev --output-file requirements/dev.lock pyproject.toml
	$(COMPILE) --all-extras --group test --constraints requirements/dev.lock --output-file requirements/test.lock pyproject.toml
	$(COMPILE) --extra cli --group build --constraints requirements/dev.lock --output-file requirements/cli.lock pyproject.toml
	$(COMPILE) --all-extras --group build --group bench --constraints requirements/dev.lock --output-file requirements/bench.lock pyproject.toml

clean: ## remove what was made here
	rm -rf $(DEV) $(WHEEL) $(BENCH) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(DEV_READY): requirements/dev.lock pyproject.toml tools/venv.sh
	$(call phase,set up $(DEV))
	tools/venv.sh $(PYTHON) $(DEV) requirements/dev.lock
	$(DEV)/bin/python $(PIP) --editable .
	@touch $@

$(CLI_READY): requirements/cli.lock pyproject.toml tools/venv.sh
	$(call phase,set up $(DEV) for the demo)
	tools/venv.sh $(PYTHON) $(DEV) requirements/cli.lock
	$(DEV)/bin/python $(PIP) --editable .
	@touch $@

$(LOCK_READY): requirements/test.lock tools/venv.sh
	$(call phase,set up $(WHEEL))
	tools/venv.sh $(PYTHON) $(WHEEL) requirements/test.lock
	@touch $@

$(WHEEL_READY): $(LOCK_READY) $(DEV_READY) $(SOURCES)
	$(call phase,build and install the wheel)
	rm -rf dist
	$(DEV)/bin/python -m build --wheel --no-isolation --outdir dist . >/dev/null
	$(WHEEL)/bin/python $(PIP) --force-reinstall dist/*.whl
	@touch $@

$(BENCH_READY): requirements/bench.lock pyproject.toml tools/venv.sh
	$(call phase,set up $(BENCH))
	tools/venv.sh $(PYTHON) $(BENCH) requirements/bench.lock
	$(BENCH)/bin/python $(PIP) --editable .
	@touch $@

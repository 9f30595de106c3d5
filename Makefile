# Everything runs in .venv, which is made when it is missing and renewed when what it should hold has changed.

PYTHON ?= python3
# One more than there are cores, because tests wait for clouds and browsers.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
ARGS ?=
SOURCES ?=
VENV := .venv
BIN := $(VENV)/bin
CLOUDS := $(VENV)/clouds
GROUPS := tools checkov pipelines plugins
FROZEN := --quiet --disable-pip-version-check --no-deps
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help lab test bench bench-batch golden crosscheck clouds verify clean

help:  ## Show what can be made
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

lab: $(VENV)/lab.stamp  ## Open the workshop notebook in JupyterLab (as root, as in a container: ARGS=--allow-root)
	@$(BIN)/devops-workbook lab $(ARGS)

test: $(VENV)/test.stamp  ## Check style, types and layers, and run the tests (ARGS="tests/test_cli.py -k new")
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

bench: $(VENV)/test.stamp  ## Measure evaluation, repaint, export and generation times
	@set -e; for script in $(filter-out tests/benchmarks/bench_batch.py,$(wildcard tests/benchmarks/bench_*.py)); do $(BIN)/python $$script; done

golden: $(VENV)/test.stamp  ## Write the golden files and the example document anew, to be read before they are kept
	$(BIN)/pytest --quiet -m golden --update-golden
	@git status --short tests/golden exports/example

crosscheck: $(VENV)/crosscheck.stamp  ## Hold our prices against a second source (SOURCES=folder of reference files)
	$(BIN)/python tests/crosscheck/prices.py $(SOURCES) --packages $(VENV)/crosscheck

clouds: $(GROUPS:%=$(CLOUDS)/%.stamp)  ## Install what generated infrastructure is held against: an emulator, linters, schemas of providers

verify: $(VENV)/test.stamp clouds  ## Hold all generated infrastructure against the real tools (ARGS="--provider gcp --only web-api-gke")
	$(BIN)/python -m tests.clouds.verify $(ARGS)

bench-batch: $(VENV)/test.stamp  ## Measure batches against a plain loop over papermill (ARGS="--scenarios 500")
	$(BIN)/python tests/benchmarks/bench_batch.py $(ARGS)

clean:  ## Remove the environment and all caches
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find devops_workbook notebooks tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/lab.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	@touch $@

$(VENV)/test.stamp: $(VENV)/lab.stamp
	$(INSTALL) --editable '.[test]'
	@touch $@

$(VENV)/crosscheck.stamp: $(VENV)/lab.stamp tests/crosscheck/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --ignore-requires-python \
		--target $(VENV)/crosscheck --upgrade --requirement tests/crosscheck/requirements.txt
	@touch $@

# Each group in an environment of its own, because they cannot share ours.
$(CLOUDS)/%.stamp: tests/clouds/requirements/%.txt
	$(PYTHON) -m venv $(CLOUDS)/$*
	$(CLOUDS)/$*/bin/python -m pip install $(FROZEN) --requirement $<
	@touch $@

# Terraform takes a checksum of the folder of providers, which is therefore made whole and left alone.
$(CLOUDS)/plugins.stamp: $(CLOUDS)/tools.stamp tests/clouds/requirements/schemas.txt tests/clouds/plugins.py tests/clouds/schema.py
	rm -rf $(CLOUDS)/wheels $(CLOUDS)/plugins
	$(CLOUDS)/tools/bin/python -m pip download $(FROZEN) --only-binary :all: --dest $(CLOUDS)/wheels \
		--requirement tests/clouds/requirements/schemas.txt
	$(CLOUDS)/tools/bin/python -B tests/clouds/plugins.py $(CLOUDS)/wheels $(CLOUDS)/plugins
	rm -rf $(CLOUDS)/wheels
	@touch $@

# Everything happens in .venv of this checkout; it is made once and again when its inputs change.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)

.PHONY: help install demo test check check-types check-rest docs fix wheel image clean

help: ## show this
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

install: $(STAMP) ## make .venv with everything for running and developing

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP) ## the whole loop on real handwritten digits, in minutes
	$(BIN)/growlearn demo --overwrite

test: $(STAMP) ## all tests; on Debian as root also installs the data and the browser that they use
	@.ci/system-packages
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(STAMP) ## style, types, layers, docs that leave nothing out and build
	@$(MAKE) --no-print-directory -j 2 check-types check-rest

# Benchmarks are scripts that import each other by bare names; tests import some of them by their whole names.
check-types: $(STAMP)
	$(BIN)/mypy
	MYPYPATH=benchmarks:benchmarks/faults $(BIN)/mypy benchmarks/*.py benchmarks/approximation benchmarks/faults

check-rest: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/unit/app/test_docs_are_complete.py
	$(BIN)/python -m docs.site.build

docs: $(STAMP) ## build/site, the documentation as pages that need no network
	$(BIN)/python -m docs.site.build

fix: $(STAMP) ## fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(STAMP) ## build dist/*.whl
	$(BIN)/python -m build --wheel --no-isolation

image: ## build the image without a container daemon and try it; Debian, as root, with buildah
	docker/build-and-try.sh $(BUILD)

clean: ## forget the environment and everything built
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# make demo    the main job on this machine: schema, samples, Label Studio, a review, the dashboard
# make test    all tests             make check   style, types, floors, docs
# make bench   the benchmarks        make docs    the generated reference
# Nothing but Python 3.11+, git and make has to be installed before.

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS := generate studio dashboard hub formats mask serve pdf ocr charts models scale dev
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
ARGS ?=
UPGRADE ?= --upgrade
# Tests start programs hundreds of times: compiled modules halve what a start costs, also where the image turns them off.
unexport PYTHONDONTWRITEBYTECODE
STAMP := $(VENV)/.installed
TRAIN_STAMP := $(VENV)/.train-installed
# Wheels with the hashes of constraints.txt only; seqeval has no wheel.
INSTALL = $(UV) pip install --quiet --python $(BIN)/python --only-binary :all: --constraint constraints.txt
INSTALL_OURS = $(INSTALL) --no-binary seqeval --build-constraints constraints.txt --require-hashes --requirements pyproject.toml
# The CPU build of torch: from the folder that PIP_FIND_LINKS names, else from PyTorch's own index. Its wheel differs
# by machine and index, so constraints.txt has its version and no hash.
TORCH_SOURCE = $(if $(PIP_FIND_LINKS),--find-links "$(PIP_FIND_LINKS)",--torch-backend cpu)

BROWSER := examples/browser_model/vendor/tokenizers.min.mjs

.PHONY: help setup train-setup train system weights demo test units walk coverage check bench docs docs-site constraints hashes dist clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.uv/bin/uv:
	@echo "Installing uv into .uv"
	@$(PYTHON) -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: \
		--require-hashes --requirement <(sed -n '/^uv==/,/[^\\]$$/p' constraints.txt)

$(STAMP): pyproject.toml constraints.txt | $(if $(findstring .uv,$(UV)),.uv/bin/uv)
	@echo "Setting up $(VENV)"
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(INSTALL_OURS) $(addprefix --extra ,$(EXTRAS))
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(STAMP)  ## install Goldspan with all extras into .venv

$(TRAIN_STAMP): $(STAMP)
	@echo "Installing torch (CPU) and what training needs"
	@$(INSTALL) $(TORCH_SOURCE) torch
	@$(INSTALL_OURS) --excludes <(echo torch) --extra train
	@touch $@

train-setup: $(TRAIN_STAMP)  ## install what training needs, with the CPU build of torch

train: train-setup  ## train on the newest bundle; ARGS are those of `goldspan train`
	@$(BIN)/goldspan train $(ARGS)

system:  ## install the programs that the tests drive (Debian: chromium, postgresql)
	@scripts/install-system

demo: setup $(if $(findstring --train,$(ARGS)),train-setup)  ## run the whole way on this machine; ARGS=--exit ends instead of staying up
	@$(BIN)/goldspan demo $(ARGS)

test: units walk  ## run all tests

# Tests wait as well as compute: three processes of units and four of walks keep two cores busy.
units: setup train-setup weights  ## run the unit tests in three processes; ARGS=-k … narrows them
	@$(BIN)/python -m compileall -q -j 0 src/goldspan/*/ || true  # else each process compiles all modules itself
	@$(BIN)/python -m pytest -n 3 --dist worksteal --ignore tests/walk $(ARGS)

$(BROWSER): examples/browser_model/fetch_libraries.py | $(STAMP)
	@$(BIN)/python $< || echo "npm gave no libraries: the browser example is not tested"

walk: setup train-setup system weights $(BROWSER)  ## run the tests that drive Label Studio and a browser, in four processes
	@$(BIN)/python -m pytest -n 4 --dist loadscope --no-loadscope-reorder tests/walk $(ARGS)

weights: setup
	@$(BIN)/goldspan predictors install rampart

coverage: setup train-setup system weights  ## print the coverage of the unit tests and of the walks that call Label Studio in process
	@$(BIN)/python -m pytest -n 2 --ignore tests/walk --cov=goldspan --cov-report= $(ARGS)
	@$(BIN)/python -m pytest tests/walk/test_sync.py tests/walk/test_sync_adopted.py tests/walk/test_sync_more.py \
		tests/walk/test_doctor.py --cov=goldspan --cov-append --cov-report=term:skip-covered

check: setup train-setup  ## style, types, layers, docs, licences, constraints
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/write_reference.py --check
	@$(BIN)/python scripts/write_examples.py --check
	@$(BIN)/python scripts/licences.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --clean
	@scripts/check-tree

bench: setup train-setup  ## run every benchmark; each prints ratios measured in one run
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: setup  ## write the generated reference
	@$(BIN)/python scripts/write_reference.py

docs-site: setup  ## look at the documentation in a browser (127.0.0.1:8000; rebuilt on changes)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --strict $(ARGS)

constraints: .uv/bin/uv  ## pin the newest versions that fit together, with hashes; UPGRADE= keeps the pins that fit
	@$(UV) pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-header \
		--no-annotate $(UPGRADE) pyproject.toml --output-file constraints.txt
	@sed -i.old -e '/^torch==/,/[^\]$$/{/^torch==/!d;s/ \\$$//;}' constraints.txt && rm constraints.txt.old

# Packages of Label Studio without wheels: SOURCES in annotation/labelstudio/server/environment.py.
NO_WHEELS := $(addprefix --no-binary ,attr django-ranged-fileresponse drf-flex-fields drf-generators ordered-set)
COMPILE = $(abspath $(UV)) pip compile --quiet --universal --python-version 3.11 --no-deps --only-binary :all: \
	--generate-hashes --no-header --no-annotate

hashes: .uv/bin/uv  ## write the hashes of the pinned packages of Label Studio and of the clients in tests
	@cd annotation/labelstudio/server && $(COMPILE) $(NO_WHEELS) requirements.txt --output-file hashed-requirements.txt
	@cd tests/walk/clients && $(COMPILE) requirements.txt --output-file hashed-requirements.txt

dist: setup  ## build the wheel and its bill of materials (CycloneDX) into dist/
	@$(BIN)/python -m hatchling build -t wheel
	@$(BIN)/python scripts/sbom.py dist/goldspan-$$($(BIN)/python -c 'import goldspan; print(goldspan.__version__)').cdx.json

clean:  ## remove what setup made; the workspace data/ stays
	rm -rf $(VENV) .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis

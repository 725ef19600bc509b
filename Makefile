# What you do with this repository. `make` alone lists it. Every target works on a fresh clone:
# it makes `.venv` from requirements.lock first and re-makes it when the lock changes.

# The interpreter `.venv` is made with: make test PYTHON=/path/to/python3.11
PYTHON ?= python3.11
# A second package index, for a torch that leaves CUDA out (Linux, x86-64):
# make test TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
# Where `make demo` puts its course.
DEMO ?= demo-course
# More words for pytest: make test ARGS="tests/judge -k shrunk"
ARGS ?=

BIN := .venv/bin
# pyright needs a node; where the system has none, the one inside playwright's wheel does.
NODE := $(CURDIR)/.venv/lib/python3.11/site-packages/playwright/driver
export OMP_NUM_THREADS ?= 1
export NO_MKDOCS_2_WARNING := 1

.DEFAULT_GOAL := help
.PHONY: help demo test audit check site clean venv lock

help:
	@echo "make demo    grade a dozen invented submissions, from hand-in to feedback"
	@echo "make test    run the tests"
	@echo "make audit   examine every lab's judge"
	@echo "make check   lint, types, and proof that the generated files are up to date"
	@echo "make site    build the documentation into build/site"
	@echo "make clean   delete what was built (not .venv)"
	@echo "make venv    make .venv from requirements.lock, if it is not there yet"
	@echo "make lock    write requirements.lock anew from pyproject.toml"
	@echo "Variables: PYTHON=$(PYTHON) TORCH_INDEX=$(TORCH_INDEX) DEMO=$(DEMO) ARGS=$(ARGS)"

venv:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "There is no $(PYTHON) here, and this project needs Python 3.11: on Debian or Ubuntu" \
	    "run 'apt-get install python3.11 python3.11-venv', or name one with 'make PYTHON=PATH'." >&2; \
	  exit 2; }
	@"$(PYTHON)" tools/venv.py $(if $(TORCH_INDEX),--extra-index-url "$(TORCH_INDEX)")

demo: venv
	@$(BIN)/labkit demo --dir "$(DEMO)"

test: venv
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q $(ARGS)

audit: venv
	@$(BIN)/labkit audit

check: venv
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PATH="$$PATH:$(NODE)" $(BIN)/pyright
	@$(BIN)/labkit build --check

site: venv
	@$(BIN)/mkdocs build --strict --quiet
	@echo "The site is in build/site; open build/site/index.html."

lock: venv
	@$(BIN)/pip-compile --quiet --extra=dev --extra=site --strip-extras --no-emit-find-links \
	  --no-emit-index-url --no-emit-trusted-host \
	  --constraint=tools/lock-constraints.txt --output-file=requirements.lock pyproject.toml

clean:
	@rm -rf build dist .ruff_cache .pytest_cache .hypothesis
	@find . -path ./.venv -prune -o -name __pycache__ -prune -exec rm -rf {} +

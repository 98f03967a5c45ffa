# Everything runs in .venv, which `make setup` makes and which is left alone while nothing changed.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.set-up
WORKERS ?= 3
PYTEST := $(BIN)/pytest -q
# The tests start the server hundreds of times, and each start would compile a thousand modules.
export PYTHONDONTWRITEBYTECODE :=
TYPED_TESTS := $(wildcard tests/architecture tests/browser tests/core tests/docs tests/packaging tests/plugins tests/real)

.DEFAULT_GOAL := help
.PHONY: help setup check format test test-real test-full bench bench-graphql demo clean

help:
	@echo "make demo       serve real purchases, with GraphiQL and an example query"
	@echo "make test       the tests that every change needs"
	@echo "make check      format, lint, types, import contracts, schema snapshots"
	@echo "make test-real  the slower real parts: browser, node clients, a wheel in a bare environment"
	@echo "make test-full  the full figures of the test plan"
	@echo "make bench      the benchmarks"
	@echo "make format     put the code into its form"
	@echo "make clean      remove what these commands made"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Regulars needs Python 3.11 or newer. Name it: make PYTHON=/path/to/python3.11 setup" >&2; exit 1; }
	@echo "Setting up .venv; the first time it takes a minute or two." >&2
	@if command -v uv >/dev/null 2>&1; then \
		set -e; \
		test -x $(BIN)/python || uv venv --quiet --python "$$(command -v $(PYTHON))" .venv; \
		uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]'; \
	else \
		set -e; \
		test -x $(BIN)/python || $(PYTHON) -m venv .venv; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	fi
	@touch $@

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy $(TYPED_TESTS)
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(PYTEST) tests/architecture

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup
	$(PYTEST) -n $(WORKERS) --dist worksteal --plan smoke -m "not real and not full"

# The browser's driver keeps an event loop of its own running, so its tests have a process of their own.
test-real: setup
	$(PYTEST) -m "real and not full" tests/browser
	$(PYTEST) -m "real and not full" --ignore=tests/browser

test-full: setup
	$(PYTEST) --plan full$(ROW) -m "full or row" $(if $(ROW),--row $(ROW))

bench: setup
	@for script in $$(find benchmarks -maxdepth 1 -name '*.py' | sort); do \
		echo "== $$script"; $(BIN)/python "$$script" || exit 1; \
	done

bench-graphql: setup
	$(BIN)/python benchmarks/graphql/compare.py

demo: setup
	@$(BIN)/regulars demo

clean:
	rm -rf .venv .work dist build demo-data .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Short names for the README's commands. Each makes .venv if needed.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test quick lint check examples

demo: .venv/demo.installed
	$(BIN)/srgan demo

test: .venv/dev.installed
	$(BIN)/python -m pytest

# Needs no browser, no process of its own and no long computation; a file of tests a core.
quick: .venv/dev.installed
	$(BIN)/python -m pytest tests/unit -m "not long" -q -n 2 --dist loadfile

lint: .venv/dev.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund && npm run --silent lint; \
	else echo "no npm: the page's JavaScript was not checked"; fi

check: lint quick

examples: .venv/demo.installed
	$(BIN)/python -m demo.engine.examples

# Which versions of Python will do stands in pyproject.toml: pip says so when one will not.
.venv/pyvenv.cfg:
	$(PYTHON) -m venv .venv

.venv/demo.installed: .venv/pyvenv.cfg pyproject.toml
	$(BIN)/python -m pip install -q -e .
	@touch $@

.venv/dev.installed: .venv/pyvenv.cfg pyproject.toml
	$(BIN)/python -m pip install -q -e '.[dev]'
	@touch $@ .venv/demo.installed

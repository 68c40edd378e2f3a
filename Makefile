# Short names for the README's commands. Each makes .venv if needed.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test lint check examples

demo: .venv/demo.installed
	$(BIN)/srgan demo

test: .venv/dev.installed
	$(BIN)/python -m pytest

lint: .venv/dev.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy

check: lint test

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

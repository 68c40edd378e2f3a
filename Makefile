# Short names for the README's commands. Each makes .venv if needed.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test lint examples

demo: .venv/demo.installed
	$(BIN)/python app.py

test: .venv/dev.installed
	$(BIN)/python -m pytest

lint: .venv/dev.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check

examples: .venv/demo.installed
	$(BIN)/python -m demo.engine.examples

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11) <= v < (3, 13) or sys.exit("Python 3.11 or 3.12 is needed, this is %d.%d: make PYTHON=python3.12 ..." % v[:2])'
	$(PYTHON) -m venv .venv

.venv/demo.installed: .venv/pyvenv.cfg requirements.txt
	$(BIN)/python -m pip install -q -r requirements.txt
	@touch $@

.venv/dev.installed: .venv/pyvenv.cfg requirements.txt requirements-train.txt requirements-dev.txt
	$(BIN)/python -m pip install -q -r requirements-dev.txt
	@touch $@ .venv/demo.installed

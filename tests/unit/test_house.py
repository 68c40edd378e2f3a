"""The house stays one that can be read; who may import whom is checked by `lint-imports`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted(path for path in (ROOT / "demo").rglob("*") if path.suffix in (".html", ".css"))
FILES = sorted(path for room in ("srgan", "demo") for path in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_short(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 320
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno <= 75, node.name


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_are_constants(path):
    """Gradio runs them through an engine that executes what it finds."""
    text = path.read_text("utf-8")
    assert not [mark for mark in ("{{", "${", "`", "\\", "@children") if mark in text]

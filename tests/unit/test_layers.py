"""Imports go one way: app, then demo, then srgan; and inside srgan from the leaves up."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A module of srgan imports only modules before it; the first three import none.
LEAVES = ("images", "models", "features")
ORDER = (
    *LEAVES,
    *("fuse", "metrics", "spectrum", "guard", "reading", "weights", "losses", "data", "alpha"),
    *("upscale", "interpolation", "soup"),
    *("enlarge_files", "evaluation.image_sets", "evaluation.fingerprint", "evaluation.report"),
    *("evaluate", "training.initialise", "training.interrupt", "training.sync_batch_norm"),
    *("training.config", "training.arguments", "training.checkpoint", "training.curves"),
    *("training.steps", "train"),
)
# Its command line, imported only when the module itself is run.
EXCEPTIONS = {("upscale", "enlarge_files")}
TRAINING = {"features", "losses", "data", "train", "training"}
MODULES = sorted((ROOT / "srgan").rglob("*.py"))


def name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "srgan").with_suffix("").parts)


def imported(path: Path) -> set[str]:
    """Every module that a file imports, in full."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def top(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_the_package_knows_no_page(path):
    assert not top(imported(path)) & {"gradio", "demo", "app", "tests", "benchmarks"}


@pytest.mark.parametrize("path", [p for p in MODULES if p.stem != "__init__"], ids=name)
def test_modules_rest_on_the_ones_before(path):
    module = name(path)
    used = {m for m in ORDER if f"srgan.{m}" in imported(path) and (module, m) not in EXCEPTIONS}
    before = () if module in LEAVES else ORDER[: ORDER.index(module)]
    assert used <= set(before)


@pytest.mark.parametrize("path", sorted((ROOT / "demo").rglob("*.py")), ids=lambda p: p.stem)
def test_the_page_knows_no_network(path):
    names = imported(path)
    assert not top(names) & {"torch", "torchvision", "app", "tests"}
    assert not {n.split(".")[1] for n in names if n.startswith("srgan.")} & TRAINING


@pytest.mark.parametrize("path", sorted((ROOT / "demo/engine").glob("*.py")), ids=lambda p: p.stem)
def test_what_computes_knows_no_page(path):
    assert "gradio" not in top(imported(path))
    assert not {n for n in imported(path) if n.startswith("demo.") and "demo.engine" not in n}


def test_the_demo_starts_without_the_training_code():
    """Neither directly nor through other modules."""
    reached, waiting = set(), ["app"]
    while waiting:
        name = waiting.pop()
        path = ROOT / (name.replace(".", "/") + ".py")
        if name in reached or not path.is_file():
            continue
        reached.add(name)
        waiting += imported(path)
    assert "srgan.upscale" in reached
    assert not reached & {f"srgan.{name}" for name in TRAINING}


def test_files_and_functions_stay_short():
    for path in [*MODULES, *(ROOT / "demo").rglob("*.py")]:
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= 320, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno <= 75, f"{path}: {node.name}"

"""The demo as a process of its own."""

import os

import pytest

from benchmarks.running import LOG, ROOT, started


@pytest.fixture
def settings(tmp_path):
    """An environment in which nothing is written into the repository or another's cache."""
    return os.environ | {
        "GRADIO_TEMP_DIR": str(tmp_path / "gradio"),
        "RATINGS_DB": str(tmp_path / "ratings.db"),
        "RESULTS_DIR": str(tmp_path / "results"),
    }


@pytest.fixture
def start(settings, tmp_path):
    """Starts the app, with more settings perhaps."""
    return lambda **more: started(ROOT, settings | more, tmp_path / LOG)

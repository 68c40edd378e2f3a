"""Waiting for a state, not for a time."""

import time
from collections.abc import Callable

PATIENCE = 60  # [s], a busy machine is slow, not broken


def until(condition: Callable[[], object]) -> None:
    """Look again and again until something is true; an AssertionError if it never is."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"not within {PATIENCE} s"
        time.sleep(0.01)

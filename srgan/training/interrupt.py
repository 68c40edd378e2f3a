"""Ctrl-C that waits for the end of a step."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import Any


@contextmanager
def interruptible() -> Iterator[Event]:
    """Turn the first Ctrl-C or SIGTERM into an event, so that no step is torn; the second ends."""
    event = Event()
    before: dict[int, Any] = {}

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        event.set()
        signal.signal(number, before[number])
        sys.stderr.write("\nstopping after this step\n")

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, stop)
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

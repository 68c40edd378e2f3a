"""A function as steps: it runs on a thread of its own, which stands still between two of them."""

import threading
from collections.abc import Callable, Generator
from typing import Any

Pause = Callable[[float], None]  # given the fraction done


class _ClosedError(BaseException):
    """Nobody wants the result any more; no `except Exception` on the way takes it."""


def steps_of(work: Callable[[Pause], Any]) -> Generator[float, None, Any]:
    """Run a function that cannot yield, such as one deep inside a network, step by step.

    Closing the generator ends the function at its pause. Nothing runs while the generator waits.

    Args:
        work: Is given `pause`, which it calls with the fraction done wherever it may stand still.

    Yields:
        What `pause` was given; the function's result is returned, its errors are raised.
    """
    go, came = threading.Semaphore(0), threading.Semaphore(0)
    told: list[float] = []
    ended: dict[str, Any] = {}
    is_closed = threading.Event()

    def stand() -> None:
        go.acquire()
        if is_closed.is_set():
            raise _ClosedError

    def pause(done: float) -> None:
        told.append(done)
        came.release()
        stand()

    def run() -> None:
        try:
            stand()
            ended["result"] = work(pause)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asks
            ended["error"] = error
        came.release()

    thread = threading.Thread(target=run, name="steps", daemon=True)
    thread.start()
    try:
        while True:
            go.release()
            came.acquire()
            if ended:
                break
            yield told.pop()
    finally:
        if not ended:
            is_closed.set()
            go.release()
        thread.join()
    if "error" in ended:
        raise ended["error"]
    return ended["result"]

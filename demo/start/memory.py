"""How glibc's malloc, where there is one, shares out memory and gives it back."""

import ctypes
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_M_ARENA_MAX = -8  # of malloc.h
_PAUSE = 10.0  # seconds


def keep_memory_small() -> None:
    """Let all threads allocate from the same two places, and give back what is free there.

    Each step of a run may be on another of Gradio's 40 threads. With places of their own they keep
    what they have freed: after 70 photos the process held 310 MiB more, and went on growing. Of
    what is free between two pieces in use, malloc gives nothing back unless it is asked: after a
    crowd that was a quarter of all. To ask takes 5 ms, and the next run 15 ms for fresh pages.
    """
    with suppress(OSError, AttributeError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_ARENA_MAX, 2)
        threading.Thread(target=_trim_always, args=(libc.malloc_trim,), daemon=True).start()


def _trim_always(trim: Callable[[int], int]) -> None:
    while True:
        time.sleep(_PAUSE)
        trim(0)

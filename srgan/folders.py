"""The files in a folder and in all folders in it, links to folders included."""

import os
from collections.abc import Iterator
from pathlib import Path


def walk(folder: Path, without: Path | None = None) -> Iterator[Path]:
    """Yield the files in a folder and in all folders in it, sorted within each.

    Linked folders come after all others, and every folder once, however many links lead to it or
    around in a circle. What cannot be followed is yielded itself, so that whoever reads it says
    why: a folder that may not be listed, a link to nothing.

    Args:
        folder: Hidden files and folders in it (`.name`) are passed over.
        without: A folder in it that is passed over, too.
    """
    passed = {_identity(without)} if without and without.is_dir() else set()
    waiting, closed = [folder], []
    while waiting:
        for path, folders, files in os.walk(waiting.pop(0), onerror=closed.append):
            inside = Path(path)
            here = _identity(inside)
            if here in passed and inside != folder:
                folders.clear()
                continue
            passed.add(here)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            waiting += (inside / name for name in folders if (inside / name).is_symlink())
            yield from (inside / name for name in sorted(files) if not name.startswith("."))
    yield from (Path(error.filename) for error in closed)


def _identity(folder: Path) -> tuple[int, int]:
    """Equal for two paths to one folder."""
    found = folder.stat()
    return found.st_dev, found.st_ino

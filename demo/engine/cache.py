"""What was computed lately, in files: the same photo again comes back at once.

For as long as the page keeps photos, and no longer: see `MAX_AGE`. The files survive a restart.
"""

import hashlib
import logging
import threading
import time
import uuid
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from demo.engine.scores import Scores
from srgan.images import Image
from srgan.upscale import Upscaler

MAX_BYTES = 512 * 2**20
MAX_AGE = 3600.0  # seconds
_SWEEP = 600.0  # seconds
_FORMAT = "3"  # another one whenever an image or a score would come out differently
# What reading a file can raise that is incomplete or damaged.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)
logger = logging.getLogger(__name__)


class Result(NamedTuple):
    """What a method made of a picture."""

    image: Image
    scores: Scores


class Cache:
    """A folder of results, bounded in bytes and in age. Safe to use from threads and processes.

    A file is named after everything that it depends on (the pixels that go in, the original, the
    method with its weights and precision), and has checksums. What cannot be read is computed
    again; what cannot be written is not kept.

    Args:
        folder: Made when it is first needed, for this user alone.
        max_bytes: Of all files; the oldest go first.
        max_age: Seconds after which a file goes.
    """

    def __init__(
        self,
        folder: str | Path,
        max_bytes: int = MAX_BYTES,
        max_age: float = MAX_AGE,
    ) -> None:
        self._folder, self._max_bytes, self._max_age = Path(folder), max_bytes, max_age

    def get(self, lr: Image, hr: Image | None, upscaler: Upscaler) -> Result | None:
        """Return what this very upscaler made of these very pixels, if it is kept."""
        path = self._path(lr, hr, upscaler)
        if path is None:
            return None
        try:
            if self._is_old(path.stat().st_mtime):
                return None
            # A ZIP, which checks its CRCs. Opened here: NumPy leaves a broken one open.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                scores = Scores.model_validate_json(str(kept["scores"]))
                return Result(kept["image"], scores)
        except FileNotFoundError:
            return None
        except _UNREADABLE:
            logger.warning("A result that was kept cannot be read: %s", path, exc_info=True)
            with suppress(OSError):
                path.unlink()
            return None

    def put(self, lr: Image, hr: Image | None, upscaler: Upscaler, result: Result) -> None:
        """Keep what an upscaler made; nothing happens if it does not say what it is."""
        path = self._path(lr, hr, upscaler)
        if path is None:
            return
        part = path.with_name(f"{uuid.uuid4().hex}.part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez(file, image=result.image, scores=result.scores.model_dump_json())
            part.replace(path)
            self.sweep()
        except OSError as error:
            logger.warning("A result cannot be kept: %s", error)
            with suppress(OSError):
                part.unlink()

    def forget(self, lr: Image, hr: Image | None) -> None:
        """Delete what any method made of these pixels."""
        for path in self._folder.glob(f"{_digest(lr, hr)}-*.npz"):
            path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what is too old or too much."""
        files = []
        for path in self._folder.glob("*"):
            with suppress(FileNotFoundError):  # another process was faster
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
        total = 0
        for made, size, path in sorted(files, reverse=True):
            total += size
            if total > self._max_bytes or self._is_old(made):
                path.unlink(missing_ok=True)

    def sweep_always(self) -> None:
        """Sweep now and from time to time, in the background, for as long as the process lives."""

        def forever() -> None:
            while True:
                try:
                    self.sweep()
                except OSError as error:
                    logger.warning("Results that were kept cannot be deleted: %s", error)
                time.sleep(_SWEEP)

        threading.Thread(target=forever, name="results", daemon=True).start()

    def _is_old(self, made: float) -> bool:
        return abs(time.time() - made) > self._max_age  # a clock may be set back

    def _path(self, lr: Image, hr: Image | None, upscaler: Upscaler) -> Path | None:
        if not upscaler.version:
            return None
        method = hashlib.sha256(f"{_FORMAT} {upscaler.version}".encode())
        return self._folder / f"{_digest(lr, hr)}-{method.hexdigest()[:32]}.npz"


def _digest(lr: Image, hr: Image | None) -> str:
    digest = hashlib.sha256()
    for image in (lr, hr):
        digest.update(b"none" if image is None else str(image.shape).encode() + image.tobytes())
    return digest.hexdigest()

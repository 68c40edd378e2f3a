"""The photo sets of all visitors: each known by a secret of its browser alone, for an hour."""

import logging
import re
import shutil
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

from demo.engine.photo_set import PhotoSet

MAX_PHOTOS = 100  # of a set
MAX_FILES = 300  # that are looked at: a pair is two, and some are no photos
MAX_PIXELS = 100_000_000  # of a set's originals or outputs together
MAX_BYTES = 4 * 2**30  # on disk, of all visitors together; what was not used for longest goes
MAX_AGE = 3600.0  # seconds after the last use
MAX_AT_WORK = 8  # sets in which photos wait; more visitors are asked to come back
_SWEEP = 300.0  # seconds
_TOKEN = re.compile(r"[0-9a-f]{32}")
logger = logging.getLogger(__name__)


class Sets:
    """Sets by token, in a folder; bounded in bytes and in age. Safe to use from several threads.

    Args:
        folder: For the results; what lies there from an earlier process is deleted by its age.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sets: dict[str, PhotoSet] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def find(self, token: object) -> PhotoSet | None:
        """Return the set of a visitor who has one."""
        with self._lock:
            found = self._sets.get(token) if isinstance(token, str) else None
        if found:
            found.used = time.time()
        return found

    def of(self, token: object) -> PhotoSet:
        """Return the set of a visitor, an empty one if there is none yet.

        Raises:
            ValueError: This cannot be a token.
        """
        if not (isinstance(token, str) and _TOKEN.fullmatch(token)):
            raise ValueError("no token")
        with self._lock:
            if token not in self._sets:
                self._sets[token] = PhotoSet(self._folder / uuid.uuid4().hex)
            self._sets[token].used = time.time()
            self._wake()
            return self._sets[token]

    def is_busy(self, but: PhotoSet) -> bool:
        """Whether so many others have photos waiting that one more has to come back later."""
        with self._lock:
            others = [s for s in self._sets.values() if s is not but and not s.is_stopped]
        return sum(bool(s.count("waiting", "working")) for s in others) >= MAX_AT_WORK

    def forget(self, token: str, is_wanted: bool = True) -> set[Path]:
        """Delete a visitor's results, and the files that no other visitor's photos are in.

        Args:
            token: Of the visitor.
            is_wanted: Whether the visitor has asked for it.

        Returns:
            The deleted files outside the folder of the results.
        """
        with self._lock:
            gone = self._sets.pop(token, None)
            others = {path for each in self._sets.values() for path in each.paths()}
        if gone is None:
            return set()
        with gone.lock:
            gone.is_gone, gone.is_forgotten = True, is_wanted
            gone.claim()
        shutil.rmtree(gone.folder, ignore_errors=True)
        own = gone.paths() - others
        for path in own:
            with suppress(OSError):
                path.unlink()
        return own

    def sweep(self) -> None:
        """Delete what is too old or too much."""
        now, total = time.time(), 0
        with self._lock:
            by_use = sorted(self._sets.items(), key=lambda item: -item[1].used)
        for token, each in by_use:
            total += _bytes(each.folder)
            if now - each.used > MAX_AGE or total > MAX_BYTES:
                self.forget(token, is_wanted=False)
        known = {each.folder for _, each in by_use}
        if self._folder.is_dir():
            for folder in set(self._folder.iterdir()) - known:
                with suppress(OSError):
                    if now - folder.stat().st_mtime > MAX_AGE:
                        shutil.rmtree(folder, ignore_errors=True)

    def _wake(self) -> None:
        """Sweep from time to time for as long as there are sets."""
        if self._timer is None:
            self._timer = threading.Timer(_SWEEP, self._sweep_again)
            self._timer.daemon = True
            self._timer.start()

    def _sweep_again(self) -> None:
        try:
            self.sweep()
        except OSError as error:
            logger.warning("Old sets cannot be deleted: %s", error)
        with self._lock:
            self._timer = None
            if self._sets:
                self._wake()


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total

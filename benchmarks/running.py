"""The app as a process of its own, for the benchmarks that ask it as people do."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
LOG = "app.log"
PATIENCE = 120  # seconds to start


class App(NamedTuple):
    """A process of app.py and the folders that it alone writes into."""

    process: subprocess.Popen
    url: str  # ends with a slash
    folder: Path

    @property
    def uploads(self) -> Path:
        """Gradio's folder: photos and panes, for one to two hours."""
        return self.folder / "gradio"

    @property
    def results(self) -> Path:
        """What was computed, for an hour; at most 512 MiB."""
        return self.folder / "results"

    @property
    def temporary(self) -> Path:
        """Of everything else."""
        return self.folder / "tmp"

    @property
    def log(self) -> str:
        """What the process has said."""
        return _read(self.folder / LOG)

    @property
    def memory(self) -> float:
        """Of the process [MiB]; Linux only."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


@contextmanager
def started(
    root: Path,
    settings: Mapping[str, str],
    log: Path,
    python: str = sys.executable,
    command: Sequence[str] | None = None,
    **options: Any,  # noqa: ANN401 - Popen's
) -> Iterator[tuple[subprocess.Popen, str]]:
    """Start app.py; yields the process and its address, and ends it.

    Args:
        root: Folder of app.py.
        settings: All of its environment.
        log: File for what it says: a pipe that nobody reads would stop it.
        python: That runs it.
        command: What to start instead.
        options: Of the process: `cwd`, if it is another folder than root, `user`.

    Raises:
        RuntimeError: It does not start; says what it said.
    """
    with (
        log.open("w") as file,
        subprocess.Popen(
            command or [python, str(root / "app.py")],
            **{"cwd": root, **options},
            env={"PYTHONUNBUFFERED": "1", **settings},
            stdout=file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            end = time.monotonic() + PATIENCE
            while not (found := re.search(r"http://\S+(?=\n)", _read(log))):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"The app does not start:\n{_read(log)}")
                time.sleep(0.1)
            yield process, found[0]
        finally:
            process.kill()


@contextmanager
def running(folder: Path, command: Sequence[str] | None = None) -> Iterator[App]:
    """Start this checkout's app with all that it writes in a folder; ends it in the end.

    Args:
        folder: New.
        command: What to start instead.

    Raises:
        RuntimeError: It does not start; says what it said.
    """
    app = App(None, "", folder)
    app.temporary.mkdir(parents=True)
    settings = {
        "GRADIO_TEMP_DIR": str(app.uploads),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "RATINGS_DB": str(folder / "ratings.db"),
        "RESULTS_DIR": str(app.results),
        "TMPDIR": str(app.temporary),
    }
    log = folder / LOG
    with started(ROOT, os.environ | settings, log, command=command) as (process, url):
        yield app._replace(process=process, url=f"{url.rstrip('/')}/")


def _read(log: Path) -> str:
    return log.read_text("utf-8", "replace")


def size(folder: Path) -> float:
    """Of all files below a folder [MiB]; of one that is missing 0."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # gone meanwhile
            total += path.stat().st_size if path.is_file() else 0
    return total / 2**20

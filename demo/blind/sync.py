"""The votes in a dataset on the Hugging Face Hub: a Space forgets its disk when it restarts.

Every start of the demo writes two files of its own: `votes/<start>.jsonl` with the votes that no
other file holds, and `retired/<start>.jsonl` with the raters who deleted theirs. They are written
from the store, which alone takes votes: the network can fail for as long as it likes.
"""

import json
import logging
import os
import secrets
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitScheduler

from demo.blind.store import Store, Vote

MINUTES = 2.0  # between uploads
PATIENCE = 20.0  # seconds that a start waits for the votes
_VOTES, _RETIRED = "votes/", "retired/"
logger = logging.getLogger(__name__)


def is_configured() -> bool:
    """Whether the host has named a dataset for the votes: HF_TOKEN and RATINGS_REPO are set."""
    return bool(os.environ.get("HF_TOKEN") and os.environ.get("RATINGS_REPO"))


def start_sync(store: Store) -> "Sync | None":
    """Fetch the votes and go on in the background, if a dataset is configured."""
    if not is_configured():
        return None
    sync = Sync(store, os.environ["RATINGS_REPO"], os.environ["HF_TOKEN"], MINUTES)
    sync.wait(PATIENCE)
    return sync


class Sync:
    """Keeps a store and a dataset equal, in the background, until `stop`.

    A failure is logged and tried again after `minutes`.

    Args:
        store: Where the votes are.
        repo: `user/name` of the dataset; made, private, if there is none.
        token: May write to it.
        minutes: Between uploads.
    """

    def __init__(self, store: Store, repo: str, token: str, minutes: float) -> None:
        self._arguments = store, repo, token, minutes
        self._tried, self._fetched, self._stopped = (threading.Event() for _ in range(3))
        self._scheduler: _Scheduler | None = None
        self._thread = threading.Thread(target=self._begin, name="ratings-sync", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for the first try to fetch the votes; returns whether they are in the store."""
        self._tried.wait(seconds)
        return self._fetched.is_set()

    def stop(self) -> None:
        """Upload what is new, if the dataset can be reached, and end."""
        self._stopped.set()
        self._thread.join()
        if self._scheduler is not None:
            self._scheduler.trigger().exception()  # the scheduler logs it
            self._scheduler.stop()
            self._scheduler.trigger().exception()  # waits for an upload that was already on its way
            shutil.rmtree(self._scheduler.folder_path, ignore_errors=True)

    def _begin(self) -> None:
        """Reach the dataset, however long it takes: the scheduler itself tries once."""
        *_, minutes = self._arguments
        while not self._stopped.is_set():
            try:
                self._scheduler = _Scheduler(*self._arguments, self._tried, self._fetched)
                return
            except Exception as error:
                logger.warning("The dataset of the votes cannot be reached: %s", error)
                self._tried.set()
            self._stopped.wait(60 * minutes)


class _Scheduler(CommitScheduler):
    """Fetches before it uploads for the first time."""

    def __init__(
        self,
        store: Store,
        repo: str,
        token: str,
        minutes: float,
        tried: threading.Event,
        fetched: threading.Event,
    ) -> None:
        self._store, self._tried, self._fetched = store, tried, fetched
        self._repo = {"repo_id": repo, "repo_type": "dataset"}
        self._name = (
            f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}.jsonl"
        )
        self._elsewhere: set[tuple[str, str]] = set()  # rater and trial of votes in other files
        self._retired_elsewhere: set[str] = set()
        super().__init__(
            **self._repo,
            folder_path=tempfile.mkdtemp(prefix="ratings-"),
            every=minutes,
            token=token,
            private=True,
        )

    def push_to_hub(self) -> CommitInfo | None:
        """Fetch, unless it is done; upload what is new; purge other files, if it is called for."""
        try:
            if not self._fetched.is_set():
                self._fetch()
            self._write()
            pushed = super().push_to_hub()
            retired = self._store.retired()
            if any(rater in retired for rater, _ in self._elsewhere):
                self._purge(retired)
            return pushed
        finally:
            self._tried.set()

    def _fetch(self) -> None:
        """Take in the files of other starts."""
        files = self._download(self._head())
        votes, retired = [], set()
        for name, text in files.items():
            rows = filter(None, map(_row, text.split("\n")))
            if name.startswith(_VOTES):
                votes += [Vote(*map(row.get, Vote._fields)) for row in rows]
            else:
                retired |= {row["rater"] for row in rows}
        self._store.merge(votes, retired)
        self._elsewhere = {(vote.rater, str(vote.trial)) for vote in votes}
        self._retired_elsewhere = retired
        self._fetched.set()

    def _write(self) -> None:
        """Renew the files of this start."""
        votes = (v._asdict() for v in self._store.votes() if v[:2] not in self._elsewhere)
        retired = sorted(self._store.retired() - self._retired_elsewhere)
        for folder, rows in ((_VOTES, votes), (_RETIRED, ({"rater": r} for r in retired))):
            text = "".join(json.dumps(row) + "\n" for row in rows)
            path = self.folder_path / folder / self._name
            if text != (path.read_text() if path.exists() else ""):
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)

    def _purge(self, retired: set[str]) -> None:
        """Cut the votes of the retired out of the files of other starts."""
        head = self._head()
        operations = []
        for name, text in self._download(head).items():
            lines = text.split("\n")
            kept = [line for line in lines if (_row(line) or {}).get("rater") not in retired]
            if name.startswith(_VOTES) and kept != lines:
                operations.append(CommitOperationAdd(name, "\n".join(kept).encode()))
        if operations:
            self.api.create_commit(
                **self._repo,
                operations=operations,
                commit_message="Delete votes",
                parent_commit=head,  # else another process could lose what it has just uploaded
            )
        self._elsewhere = {key for key in self._elsewhere if key[0] not in retired}

    def _head(self) -> str:
        return self.api.repo_info(**self._repo).sha

    def _download(self, commit: str) -> dict[str, str]:
        """Return the text of the files of other starts by their names."""
        with tempfile.TemporaryDirectory() as folder:
            self.api.snapshot_download(
                **self._repo,
                revision=commit,
                allow_patterns=[f"{_VOTES}*.jsonl", f"{_RETIRED}*.jsonl"],
                local_dir=folder,
            )
            return {
                path.relative_to(folder).as_posix(): path.read_text("utf-8", "replace")
                for path in sorted(Path(folder).glob("*/*.jsonl"))
                if path.name != self._name
            }


def _row(line: str) -> dict[str, Any] | None:
    """Read a line of a file; None if it is none of ours."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("rater"), str) else None

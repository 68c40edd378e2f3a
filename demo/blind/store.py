"""The votes of the blind test in one SQLite file; a vote counts as soon as `add` returns."""

import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

QUICK_SECONDS = 0.7  # nobody looks at a picture and judges it in less

# A newer one must know how to read the older: `PRAGMA user_version`.
_VERSION = 1
_APPLICATION = 0x53524756  # "SRGV", so that no other program's database is taken for ours
_ID = "NOT NULL CHECK (length({0}) = 32 AND {0} NOT GLOB '*[^0-9a-f]*')"
_NAME = (
    "CHECK (length({0}) <= 64 AND {0} GLOB '[A-Za-z0-9]*' AND {0} NOT GLOB '*[^A-Za-z0-9 ._-]*')"
)
_SCHEMA = (
    f"CREATE TABLE retired (rater TEXT PRIMARY KEY {_ID.format('rater')}) STRICT",
    f"""CREATE TABLE votes (
        rater TEXT {_ID.format("rater")},
        trial TEXT {_ID.format("trial")},
        kind TEXT NOT NULL CHECK (kind IN ('rating', 'real', 'closer')),
        role TEXT NOT NULL CHECK (role IN ('test', 'repeat', 'catch')),
        photo TEXT NOT NULL {_NAME.format("photo")},
        "left" TEXT NOT NULL {_NAME.format('"left"')},
        "right" TEXT {_NAME.format('"right"')},
        answer TEXT NOT NULL,
        seconds REAL NOT NULL CHECK (seconds BETWEEN 0 AND 1e6),
        quick INTEGER NOT NULL AS (seconds < {QUICK_SECONDS}) STORED,
        weights TEXT NOT NULL {_NAME.format("weights")},
        time INTEGER NOT NULL CHECK (time > 0),
        PRIMARY KEY (rater, trial),
        CHECK (CASE kind
            WHEN 'rating' THEN "right" IS NULL AND answer IN ('1', '2', '3', '4', '5')
            ELSE "right" IS NOT NULL AND "right" <> "left" AND answer IN ('left', 'right', 'same')
        END)
    ) STRICT""",
    """CREATE TRIGGER no_vote_of_the_retired BEFORE INSERT ON votes
        WHEN NEW.rater IN (SELECT rater FROM retired) BEGIN SELECT RAISE(IGNORE); END""",
)
# What a value that is no vote can raise before or in the constraints.
_REFUSED = (sqlite3.IntegrityError, sqlite3.ProgrammingError, OverflowError, UnicodeEncodeError)
_BUSY = "the database is in use by another program. Please try again in a moment."
_FULL = "the disk is full or failing."
_CLOSED = "the database or its folder cannot be opened, or is read-only."
_CORRUPT = "the database is damaged. It will be set aside: please try again."
_REASONS = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _FULL,
    sqlite3.SQLITE_READONLY: _CLOSED,
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_PERM: _CLOSED,
    sqlite3.SQLITE_CORRUPT: _CORRUPT,
    sqlite3.SQLITE_NOTADB: _CORRUPT,
}
logger = logging.getLogger(__name__)


class StoreError(Exception):
    """The votes cannot be read or saved now; says to the person why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Votes cannot be read or saved: {reason}")


class Vote(NamedTuple):
    """All that is kept of one answer: nothing about the person."""

    rater: str  # random, 32 hex digits
    trial: str  # 32 hex digits, unique for a rater
    kind: str  # "rating" of one image; of two, which looks "real" or is "closer" to the original
    role: str  # "test", "repeat" or "catch"
    photo: str  # name of a built-in photo
    left: str  # method of the image at the left, or of the only one
    right: str | None  # method of the image at the right
    answer: str  # "1" bad to "5" excellent; of two images "left", "right" or "same"
    seconds: float  # from the image to the answer
    weights: str  # version of the networks' weights
    time: int  # Unix seconds

    @property
    def quick(self) -> bool:
        """Whether the answer came too fast to be a judgement."""
        return self.seconds < QUICK_SECONDS


_COLUMNS = ", ".join(f'"{field}"' for field in Vote._fields)
_INSERT = (
    f"INSERT INTO votes ({_COLUMNS}) VALUES ({', '.join('?' * len(Vote._fields))}) "
    "ON CONFLICT (rater, trial) DO NOTHING"
)


class Store:
    """The votes in a file, which is made when it is first needed.

    Safe to use from several threads and processes. Every method raises `StoreError` if the file
    is locked for longer than `patience`, cannot be written, or is not ours. A corrupt file is set
    aside under a new name with the time in it, and a new one is begun.

    Args:
        path: Of the file; its folder is made, too.
        patience: Seconds to wait for a lock.
        is_lasting: Whether the file is still there when the machine starts anew.
    """

    def __init__(self, path: str | Path, patience: float = 10.0, is_lasting: bool = True) -> None:
        self.path, self.is_lasting = Path(path), is_lasting
        self._patience = patience
        self._turn = threading.RLock()
        self._is_checked = False

    def add(self, vote: Vote) -> bool:
        """Save a vote; once this returns, it outlives a power cut.

        Returns:
            Whether it counts. Not if the rater has answered the trial before (the first answer
            stands, so a repeated request does no harm), or has deleted the votes.

        Raises:
            ValueError: It is no vote: a field is outside its range.
        """
        with self._writing() as database:
            try:
                return database.execute(_INSERT, vote).rowcount == 1
            except _REFUSED as error:
                raise ValueError(f"Not a vote: {error}") from error

    def merge(self, votes: Iterable[Vote], retired: Iterable[str] = ()) -> None:
        """Take in votes and retired raters from elsewhere, all or none; twice does no harm.

        What is no vote is left out, and logged.
        """
        refused = 0
        with self._writing() as database:
            for sql, rows in (
                ("INSERT OR IGNORE INTO retired VALUES (?)", ((rater,) for rater in retired)),
                (_INSERT, votes),
            ):
                for row in rows:
                    try:
                        database.execute(sql, row)
                    except _REFUSED:
                        refused += 1
            database.execute("DELETE FROM votes WHERE rater IN (SELECT rater FROM retired)")
        if refused:
            logger.warning("Left out %d rows that are no votes", refused)

    def votes(self, rater: str | None = None, weights: str | None = None) -> list[Vote]:
        """Return the votes in the order in which they came: all, of a rater, of a version."""
        wanted = {"rater": rater, "weights": weights}
        wanted = {column: value for column, value in wanted.items() if value is not None}
        where = " AND ".join(["true", *(f"{column} = ?" for column in wanted)])
        sql = f"SELECT {_COLUMNS} FROM votes WHERE {where} ORDER BY rowid"
        with self._open() as database:
            return [Vote(*row) for row in database.execute(sql, tuple(wanted.values()))]

    def delete(self, rater: str) -> int:
        """Delete all votes of a rater, whose id takes no more; returns how many there were."""
        with self._writing() as database:
            database.execute("INSERT OR IGNORE INTO retired VALUES (?)", (rater,))
            return database.execute("DELETE FROM votes WHERE rater = ?", (rater,)).rowcount

    def retired(self) -> set[str]:
        """Return the raters who have deleted their votes."""
        with self._open() as database:
            return {rater for (rater,) in database.execute("SELECT rater FROM retired")}

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Commit at the end; nothing of it is saved if anything fails."""
        # In turns: SQLite's own way of waiting lets some of 200 threads wait in vain.
        with self._my_turn(), self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=self._patience):
            raise StoreError(_BUSY)
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Connect for one operation: a file that was moved away is begun anew.

        A lasting connection would be faster, but must not be there when ZeroGPU forks.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self._is_checked:
                with self._my_turn():
                    self._set_aside_if_corrupt()
                    self._is_checked = True
            with closing(self._connect()) as database:
                self._prepare(database)
                yield database
        except (sqlite3.Error, OSError) as error:
            reason = _REASONS.get(_code(error), _CLOSED)
            self._is_checked &= reason is not _CORRUPT
            logger.warning("%s: %s", self.path, error)
            raise StoreError(reason) from error

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None)
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Make the tables in a new file; refuse another program's, or another version's."""
        if _version(database) != (_APPLICATION, _VERSION):
            database.execute("BEGIN IMMEDIATE")
            if _version(database) != (_APPLICATION, _VERSION):  # no other process was faster
                if database.execute("SELECT count(*) FROM sqlite_schema").fetchone() != (0,):
                    raise StoreError(f"{self.path.name} is no database of this demo's version.")
                for statement in _SCHEMA:
                    database.execute(statement)
                database.execute(f"PRAGMA application_id = {_APPLICATION}")
                database.execute(f"PRAGMA user_version = {_VERSION}")
            database.execute("COMMIT")
        database.execute("PRAGMA journal_mode = WAL")

    def _set_aside_if_corrupt(self) -> None:
        if not self.path.exists():
            return
        try:
            with closing(self._connect()) as database:
                if database.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",):
                    return
        except sqlite3.DatabaseError as error:
            if _code(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise
        name = f"{self.path.name}.corrupt-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        aside = self.path.with_name(f"{name}-{secrets.token_hex(4)}")
        # The file itself last: beside a new one, the old log would be played into it.
        for ending in ("-wal", "-shm", ""):
            part = Path(f"{self.path}{ending}")
            if part.exists():
                part.rename(f"{aside}{ending}")
        logger.error("%s is corrupt: set aside as %s, and begun anew", self.path, aside.name)


def _version(database: sqlite3.Connection) -> tuple[int, int]:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return application, version


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the details of an extended one

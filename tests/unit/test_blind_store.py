"""The votes' file: what was acknowledged is there, once, whatever happens to the server."""

import http.client
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from demo.blind.store import Store, StoreError, Vote

ROOT = Path(__file__).parents[2]
RATING = Vote("a" * 32, "1" * 32, "rating", "test", "cat", "SRGAN", None, "4", 2.5, "v1", 1_700)
CHOICE = Vote("a" * 32, "2" * 32, "real", "test", "cat", "SRGAN", "Bicubic", "same", 3.0, "v1", 1_9)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "data" / "ratings.db")


def numbered(number):
    return RATING._replace(trial=f"{number:032x}")


def test_votes_come_back_as_they_were(store):
    assert store.votes() == []
    assert store.add(RATING)
    assert store.add(CHOICE)
    assert store.votes() == Store(store.path).votes() == [RATING, CHOICE]


def test_votes_of_a_rater_or_a_version(store):
    other = RATING._replace(rater="b" * 32)
    newer = CHOICE._replace(weights="v2")
    for vote in (RATING, other, newer):
        store.add(vote)
    assert store.votes(rater=RATING.rater) == [RATING, newer]
    assert store.votes(weights="v1") == [RATING, other]
    assert store.votes(rater=RATING.rater, weights="v2") == [newer]


def test_a_trial_counts_once_and_the_first_answer_stands(store):
    assert store.add(RATING)
    assert not store.add(RATING)
    assert not store.add(RATING._replace(answer="1"))
    assert store.votes() == [RATING]


@pytest.mark.parametrize(
    "change",
    [
        {"answer": "0"},
        {"answer": "6"},
        {"answer": "left"},
        {"answer": None},
        {"right": "Bicubic"},
        {"kind": "love"},
        {"role": "calibration"},
        {"rater": "me@example.org"},
        {"rater": "A" * 32},
        {"trial": "1"},
        {"photo": "=HYPERLINK()"},
        {"photo": "x" * 65},
        {"photo": ["cat"]},
        {"left": ""},
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"seconds": "fast"},
        {"weights": None},
        {"time": 0},
        {"time": 2**70},
        {"weights": "\ud800"},
    ],
    ids=str,
)
def test_what_is_no_rating_is_refused(store, change):
    with pytest.raises(ValueError, match="Not a vote"):
        store.add(RATING._replace(**change))
    assert store.votes() == []


@pytest.mark.parametrize("change", [{"answer": "4"}, {"right": None}, {"right": "SRGAN"}], ids=str)
def test_what_is_no_choice_is_refused(store, change):
    with pytest.raises(ValueError, match="Not a vote"):
        store.add(CHOICE._replace(**change))
    assert store.votes() == []


def test_a_rater_can_delete_the_votes_and_none_comes_after(store):
    other = RATING._replace(rater="b" * 32, trial="3" * 32)
    for vote in (RATING, CHOICE, other):
        store.add(vote)
    assert store.delete(RATING.rater) == 2
    assert store.delete(RATING.rater) == 0
    assert not store.add(numbered(7))  # the last click was still on its way
    store.merge([RATING])
    assert store.votes() == [other]
    assert store.retired() == {RATING.rater}
    left = b"".join(file.read_bytes() for file in store.path.parent.iterdir())
    assert other.trial.encode() in left
    assert RATING.trial.encode() not in left


def test_merging_twice_adds_nothing_and_retires(store):
    store.add(RATING)
    for _ in range(2):
        store.merge([RATING, CHOICE, numbered(3), RATING._replace(answer="9")])
    assert store.votes() == [RATING, CHOICE, numbered(3)]
    store.merge([], [RATING.rater])
    assert store.votes() == []


def test_a_vote_within_a_moment_is_quick():
    assert RATING._replace(seconds=0.69).quick
    assert not RATING._replace(seconds=0.7).quick


def test_the_file_holds_nothing_but_the_votes(store):
    store.add(RATING)
    with closing(sqlite3.connect(store.path)) as database:
        columns = {
            row[0] for row in database.execute("SELECT name FROM pragma_table_info('votes')")
        }
        assert columns == set(Vote._fields)  # "quick" follows from the seconds
        assert database.execute("SELECT quick FROM votes").fetchall() == [(0,)]


SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from demo.blind.store import Store, Vote

store = Store(sys.argv[1])

class Votes(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers["Content-Length"])
        counted = store.add(Vote(*eval(self.rfile.read(length))))
        self.send_response(201 if counted else 200)
        self.end_headers()

    def log_message(self, *_):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 300

server = Server(("127.0.0.1", 0), Votes)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def server(path):
    """A process that takes votes over HTTP; yields it and its port."""
    command = [sys.executable, "-c", SERVER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def post(port, vote):
    """The status, or None without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/", str(tuple(vote)))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@pytest.mark.long
@pytest.mark.parametrize("killed_after", [1, 60])
def test_a_killed_server_loses_no_acknowledged_vote_and_counts_none_twice(tmp_path, killed_after):
    path = tmp_path / "ratings.db"
    votes = [numbered(number) for number in range(200)]
    start, enough = threading.Barrier(len(votes)), threading.Semaphore(0)

    def cast(vote):
        start.wait()
        status = post(port, vote)
        if status:
            enough.release()
        return status

    with server(path) as (process, port), ThreadPoolExecutor(len(votes)) as people:
        statuses = [people.submit(cast, vote) for vote in votes]
        for _ in range(killed_after):
            assert enough.acquire(timeout=60)
        process.kill()  # -9
    acknowledged = {v for v, s in zip(votes, statuses, strict=True) if s.result() == 201}
    assert killed_after <= len(acknowledged) < 200
    kept = Store(path).votes()
    assert acknowledged <= {*kept} <= {*votes}
    with server(path) as (process, port), ThreadPoolExecutor(20) as people:
        again = list(people.map(lambda vote: post(port, vote), votes))  # people press again
    assert again.count(201) == 200 - len(kept)
    assert again.count(200) == len(kept)
    assert sorted(Store(path).votes()) == votes


@pytest.mark.long
def test_many_processes_begin_one_file_together(tmp_path):
    code = (
        "import sys; from demo.blind.store import *\n"
        "sys.stdin.readline(); print(Store(sys.argv[1]).add(Vote(*eval(sys.argv[2]))))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "new.db"), str(tuple(numbered(i // 2)))],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(8)
    ]
    for process in processes:
        process.stdin.write("now\n")
        process.stdin.flush()
    answers = [process.communicate()[0] for process in processes]
    assert sorted(answers) == 4 * ["False\n"] + 4 * ["True\n"]
    assert sorted(Store(tmp_path / "new.db").votes()) == [numbered(i) for i in range(4)]


def says(reason):
    return pytest.raises(StoreError, match=f"^Votes cannot be read or saved: {reason}")


def test_a_locked_file_is_a_message_and_the_next_vote_counts(store):
    store.add(RATING)
    hasty = Store(store.path, patience=0.05)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with says("the database is in use"):
            hasty.add(CHOICE)
        assert hasty.votes() == [RATING]  # reading goes on
    assert hasty.add(CHOICE)


@contextmanager
def full_disk(size):
    """No file of this process can grow beyond this size."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_a_message_and_what_was_saved_stays(store):
    saved = [numbered(number) for number in range(1000)]
    store.merge(saved)
    with full_disk(store.path.stat().st_size + 8192), says("the disk is full"):
        for number in range(1000, 2000):
            store.add(numbered(number))
            saved.append(numbered(number))
    assert len(saved) > 1000
    assert store.votes() == saved
    assert store.add(CHOICE)


@contextmanager
def nobody():
    """Root may write anywhere: be somebody else."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def open_folder():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
        Path(folder).chmod(0o700)


def test_a_read_only_file_is_a_message(open_folder):
    store = Store(open_folder / "ratings.db")
    store.add(RATING)
    store.path.chmod(0o444)
    open_folder.chmod(0o555)
    with nobody(), says("the database or its folder cannot be opened, or is read-only"):
        store.add(CHOICE)
    open_folder.chmod(0o700)
    store.path.chmod(0o644)
    assert store.votes() == [RATING]


def test_a_folder_that_cannot_be_made_is_a_message(open_folder):
    open_folder.chmod(0o555)
    with nobody(), says("the database or its folder cannot be opened"):
        Store(open_folder / "new" / "ratings.db").votes()
    (open_folder / "file").touch()
    with says("the database or its folder cannot be opened"):
        Store(open_folder / "file" / "ratings.db").votes()


def test_a_deleted_folder_is_begun_anew(store):
    store.add(RATING)
    for file in store.path.parent.iterdir():
        file.unlink()
    store.path.parent.rmdir()
    assert store.votes() == []
    assert store.add(CHOICE)


def set_aside(store):
    return [p for p in store.path.parent.iterdir() if ".corrupt-" in p.name]


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to look like one", None]
)
def test_a_corrupt_file_is_set_aside_with_its_content(store, content):
    store.merge(numbered(number) for number in range(300))
    if content is None:  # a sound beginning
        content = store.path.read_bytes()
        content = content[:8192] + os.urandom(len(content) - 8192)
    store.path.write_bytes(content)
    restarted = Store(store.path)
    assert restarted.votes() == []
    assert restarted.add(RATING)
    (aside,) = set_aside(store)
    assert aside.read_bytes() == content
    assert Store(store.path).votes() == [RATING]
    store.path.write_bytes(content)
    Store(store.path).votes()
    assert [file.read_bytes() for file in set_aside(store)] == [content, content]


def test_a_log_is_set_aside_with_its_corrupt_file(store):
    store.add(RATING)
    with closing(sqlite3.connect(store.path)) as reader:  # keeps the log from being folded in
        reader.execute("SELECT * FROM votes").fetchall()
        store.add(CHOICE)
        log = Path(f"{store.path}-wal").read_bytes()
    store.path.write_bytes(b"broken" * 1000)
    Path(f"{store.path}-wal").write_bytes(log)
    assert Store(store.path).votes() == []
    assert log in [file.read_bytes() for file in set_aside(store)]


def test_a_file_that_breaks_under_the_running_demo_is_set_aside(store):
    store.add(RATING)
    store.path.write_bytes(b"broken" * 1000)
    with says("the database is damaged"):
        store.add(CHOICE)
    assert store.add(CHOICE)
    assert len(set_aside(store)) == 1


def test_an_empty_file_is_a_new_database(store):
    store.path.parent.mkdir()
    store.path.touch()
    assert store.add(RATING)
    assert not set_aside(store)


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE votes (song TEXT)", "PRAGMA user_version = 2"], ids=str
)
def test_another_programs_or_versions_database_is_left_alone(store, statement):
    if "version" in statement:
        store.add(RATING)
    store.path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(store.path)) as database:
        database.execute(statement)
    content = store.path.read_bytes()
    with says("ratings.db is no database of this demo's version"):
        store.add(CHOICE)
    assert store.path.read_bytes() == content
    assert not set_aside(store)

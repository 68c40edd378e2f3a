"""The votes in a dataset: against a hub on this machine that fails, forgets and comes back."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import CommitScheduler
from support.hub import REPO, TOKEN, Hub, hurry, running, turn_to
from support.states import until

from demo.blind.store import Store, Vote
from demo.blind.sync import Sync, start_sync

ROOT = Path(__file__).parents[2]
MOMENT = 0.002  # minutes between uploads


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    hurry(monkeypatch)


@pytest.fixture
def hub(monkeypatch):
    with running(Hub()) as hub:
        turn_to(monkeypatch, hub.url)
        yield hub


@contextmanager
def synced(store, wait=True):
    """A demo that runs with this store, and ends in an orderly way."""
    sync = Sync(store, REPO, TOKEN, MOMENT)
    try:
        if wait:
            assert sync.wait(30)
        yield sync
    finally:
        sync.stop()


@pytest.fixture
def new_store(tmp_path):
    """A store on a new disk, as after every start of a Space."""
    numbers = iter(range(100))
    return lambda: Store(tmp_path / f"{next(numbers)}" / "ratings.db")


def vote(number, rater=0):
    return Vote(
        f"{rater:032x}", f"{number:032x}", "rating", "test", "cat", "SRGAN", None, "4", 2.5, "v1", 9
    )


def keys(rows):
    return sorted(row["trial"] for row in rows)


def test_votes_come_back_on_a_new_disk_and_none_twice(hub, new_store):
    first = new_store()
    with synced(first):
        for number in range(3):
            assert first.add(vote(number))
    second = new_store()
    with synced(second):
        assert second.votes() == [vote(0), vote(1), vote(2)]
        assert not second.add(vote(1))
        assert second.add(vote(3))
    third = new_store()
    with synced(third):
        assert sorted(third.votes()) == [vote(number) for number in range(4)]
    assert keys(hub.rows()) == [vote(number).trial for number in range(4)]
    assert len([name for name in hub.files if name.startswith("votes/")]) == 2  # a file a start


def test_two_replicas_that_take_votes_at_once_lose_none_and_double_none(hub, new_store):
    stores = new_store(), new_store()
    acknowledged = []

    def take(replica, store):
        for number in range(20):
            mine = vote(100 * replica + number, rater=replica)
            if store.add(mine):
                acknowledged.append(mine)
            store.add(vote(7, rater=9))  # the same answer, sent to both: a connection was lost

    with synced(stores[0]), synced(stores[1]):
        threads = [threading.Thread(target=take, args=pair) for pair in enumerate(stores)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(acknowledged) == 40
    for store in (*stores, new_store()):  # after their next start
        with synced(store):
            assert sorted(store.votes()) == sorted([*acknowledged, vote(7, rater=9)])


def test_votes_are_uploaded_while_the_demo_runs(hub, new_store):
    store = new_store()
    with synced(store):
        store.add(vote(0))
        until(lambda: len(hub.rows()) == 1)
        store.add(vote(1))
        until(lambda: len(hub.rows()) == 2)


def test_votes_from_before_are_uploaded_once(hub, new_store):
    store = new_store()
    store.add(vote(0))
    with synced(store):
        pass
    with synced(store):  # this disk has survived
        store.add(vote(1))
    assert keys(hub.rows()) == [vote(0).trial, vote(1).trial]


def test_nothing_to_say_makes_no_commit(hub, new_store, monkeypatch):
    turns = []
    push = CommitScheduler.push_to_hub
    monkeypatch.setattr(CommitScheduler, "push_to_hub", lambda s: (push(s), turns.append(s)))
    with synced(new_store()) as sync:
        until(lambda: sync.wait(0) and len(hub.commits) == 1)
        until(lambda: turns)
        count, turn = len(hub.requests), len(turns)
        until(lambda: len(turns) > turn + 2)
        assert len(hub.requests) == count


def test_the_demo_runs_without_the_hub_and_catches_up_later(monkeypatch, new_store, caplog):
    hub = Hub()
    hub.server_close()  # now nobody listens there
    turn_to(monkeypatch, hub.url)
    store = new_store()
    with synced(store, wait=False) as sync:
        assert not sync.wait(30)
        assert store.add(vote(0))
        until(lambda: caplog.text.count("cannot be reached") > 1)
        with running(Hub(port=hub.server_port)) as hub:
            until(lambda: len(hub.rows()) == 1)
            sync.stop()
    assert TOKEN not in caplog.text


def test_failures_of_the_hub_are_outlived(hub, new_store, caplog):
    hub.is_broken = True
    store = new_store()
    with synced(store, wait=False) as sync:
        assert not sync.wait(30)
        store.add(vote(0))
        hub.is_broken = False
        until(lambda: len(hub.rows()) == 1)
        hub.is_broken = True
        store.add(vote(1))
        count = len(hub.requests)
        until(lambda: len(hub.requests) > count + 6)  # the library's tries, and ours
        hub.is_broken = False
        until(lambda: len(hub.rows()) == 2)
    assert "500" in caplog.text


def test_a_commit_whose_answer_is_lost_counts_once(hub, new_store):
    store = new_store()
    with synced(store):
        hub.loses_answers = True
        store.add(vote(0))
        until(lambda: sum("preupload" in path for path in hub.requests) > 1)  # tried again
        hub.loses_answers = False
        store.add(vote(1))
    assert keys(hub.rows()) == [vote(0).trial, vote(1).trial]


def test_votes_are_taken_while_the_hub_hangs(hub, new_store):
    store = new_store()
    with hub.lock:  # every request waits for it
        sync = Sync(store, REPO, TOKEN, MOMENT)
        until(lambda: hub.requests)
        assert all(store.add(vote(number)) for number in range(20))
        assert len(store.votes()) == 20
        assert not sync.wait(0)
    sync.stop()
    assert len(hub.rows()) == 20


def test_deleted_votes_leave_the_dataset_and_do_not_come_back(hub, new_store):
    first = new_store()
    with synced(first):
        first.add(vote(0, rater=1))
        first.add(vote(1, rater=2))
        first.add(vote(2, rater=3))
        until(lambda: len(hub.rows()) == 3)
        first.delete(vote(2, rater=3).rater)  # out of the file of this start
        until(lambda: len(hub.rows()) == 2)
    second = new_store()
    with synced(second):
        assert second.delete(vote(0, rater=1).rater) == 1  # out of the file of another
        until(lambda: len(hub.rows()) == 1)
    third = new_store()
    with synced(third):
        assert third.votes() == [vote(1, rater=2)]
        assert not third.add(vote(0, rater=1))
    assert len(hub.rows("retired")) == 2


def test_a_deletion_loses_nothing_that_another_process_uploads_meanwhile(hub, new_store):
    with synced(first := new_store()):
        first.add(vote(0, rater=1))
        first.add(vote(1, rater=2))
    (name,) = (name for name in hub.files if name.startswith("votes/"))
    late = json.dumps(vote(2, rater=3)._asdict()).encode() + b"\n"
    hub.intruder = {name: hub.files[name] + late}
    with synced(second := new_store()):
        second.delete(vote(0, rater=1).rater)
        until(lambda: len(hub.rows()) == 2 and hub.intruder is None)
    assert keys(hub.rows()) == [vote(1).trial, vote(2).trial]


def test_lines_that_are_no_votes_are_left_out_and_left_alone(hub, new_store, caplog):
    bad = [
        "",
        "no JSON",
        "[1]",
        '{"rater": 5}',
        json.dumps(vote(1)._asdict() | {"answer": "9"}),
        json.dumps(vote(2)._asdict() | {"trial": ["x"]}),
        json.dumps(vote(3)._asdict() | {"time": 2**70}),
        json.dumps(vote(4)._asdict() | {"photo": "=cmd()"}),
        json.dumps({"rater": vote(5).rater}),
        json.dumps(vote(6)._asdict() | {"photo": "\ud800"}),
    ]
    text = "\n".join([*bad, json.dumps(vote(0)._asdict()), ""]).encode() + b"\xff\xfe"
    hub.commit({"votes/by-hand.jsonl": text, "README.md": b"# Votes"})
    store = new_store()
    with synced(store):
        assert store.votes() == [vote(0)]
        store.add(vote(7))
    assert hub.files["votes/by-hand.jsonl"] == text
    assert "no votes" in caplog.text


DEMO = f"""
import sys
from pathlib import Path
from demo.blind import sync
from demo.blind.store import Store, Vote
store = Store(Path(sys.argv[1]))
sync.MINUTES = {MOMENT}
sync.start_sync(store)
print(len(store.votes()), flush=True)
for line in sys.stdin:
    print(store.add(Vote(*eval(line))), flush=True)
"""


@pytest.mark.long
def test_a_killed_demo_on_a_new_disk_has_all_that_was_synced(hub, tmp_path):
    settings = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "RATINGS_REPO": REPO}
    settings["TMPDIR"] = str(tmp_path)  # a killed process cleans nothing up
    for start, expected in enumerate([0, 5, 10]):
        demo = subprocess.Popen(
            [sys.executable, "-c", DEMO, str(tmp_path / f"{start}.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env=os.environ | settings,
        )
        with demo:
            assert demo.stdout.readline() == f"{expected}\n"
            for number in range(5):
                demo.stdin.write(f"{tuple(vote(100 * start + number))}\n")
                demo.stdin.flush()
                assert demo.stdout.readline() == "True\n"
            until(lambda expected=expected: len(hub.rows()) == expected + 5)
            demo.send_signal(signal.SIGKILL)
    assert len(set(keys(hub.rows()))) == len(hub.rows()) == 15


@pytest.mark.parametrize("missing", ["HF_TOKEN", "RATINGS_REPO"])
def test_without_its_settings_nothing_is_synced(hub, new_store, monkeypatch, missing):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("RATINGS_REPO", REPO)
    monkeypatch.delenv(missing)
    assert start_sync(new_store()) is None
    assert not hub.requests

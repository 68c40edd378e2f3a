"""Two replicas behind Caddy, as `compose.yaml` has them, and a crowd while they are renewed.

    python -m benchmarks.replicas --people 60 --minutes 6

After a third of the time one replica gets SIGTERM, after two thirds the other one SIGKILL; each is
started again at once. Everybody must get their own pictures or a plain message, and every vote
that was acknowledged must in the end be in both replicas' stores, once. The dataset of the votes
is a stand-in on this machine. Exit status 1 if a goal is missed. Linux only; needs Caddy, and what
the tests need (extra `dev`).
"""

import argparse
import asyncio
import collections
import contextlib
import copy
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the stand-in of the Hub

import httpx
import yaml
from support.hub import REPO, TOKEN, Hub
from support.hub import running as hub_running

from benchmarks.crowd import PATIENCE, Diary, Person, hostile
from benchmarks.running import LOG, ROOT, App, started
from benchmarks.visitor import Site, Visitor
from demo.blind.session import PARTS
from demo.blind.store import Store
from demo.blind.trials import rater_of
from demo.compare.waiting import RENEWED

PORT = 7860  # of a replica in compose.yaml
AWAY = 15.0  # seconds after which nobody may notice any more that a replica was ended
PAUSE = 0.5  # seconds between a person's votes
GRACE = 45.0  # seconds, `stop_grace_period`
LOST = (httpx.TransportError, httpx.HTTPStatusError)

Ballot = tuple[str, str]  # rater and trial


def caddyfile(ports: Sequence[int], port: int) -> str:
    """Return what compose.yaml gives to Caddy, for processes of this machine."""
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    text: str = composed["configs"]["caddy"]["content"]
    for number, there in enumerate(ports, 1):
        text = text.replace(f"page{number}:{PORT}", f"127.0.0.1:{there}")
    return "{\n    admin off\n}\n" + text.replace(":8080 {", f"http://127.0.0.1:{port} {{")


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


class Replica:
    """A process of the app with a disk of its own, that can be ended and started again.

    Args:
        folder: Its disk.
        pictures: Folder that all replicas share.
        more: Settings.
    """

    def __init__(self, folder: Path, pictures: Path, more: dict[str, str]) -> None:
        self.folder, self.port, self._stack = folder, free_port(), ExitStack()
        (folder / "tmp").mkdir(parents=True)
        self.store = Store(folder / "ratings.db")
        self.settings = os.environ | more | {
            "GRADIO_TEMP_DIR": str(pictures),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_SERVER_PORT": str(self.port),
            "RATINGS_DB": str(self.store.path),
            "RESULTS_DIR": str(folder / "results"),
            "TMPDIR": str(folder / "tmp"),
        }  # fmt: skip
        self._starts = 0

    def start(self) -> None:
        """Start it; returns when it serves."""
        self._starts += 1
        log = self.folder / f"{self._starts}-{LOG}"
        process, url = self._stack.enter_context(started(ROOT, self.settings, log))
        self.app = App(process, url, self.folder)

    def end(self, number: int) -> float:
        """Send a signal; returns the seconds until it has ended."""
        begin = time.monotonic()
        self.app.process.send_signal(number)
        self.app.process.wait()
        return time.monotonic() - begin

    def close(self) -> None:
        """End it, however it is."""
        self._stack.close()

    @property
    def logs(self) -> str:
        """What all its processes have said."""
        return "".join(path.read_text("utf-8", "replace") for path in self.folder.glob(f"*-{LOG}"))


@contextmanager
def proxy(folder: Path, ports: Sequence[int]) -> Iterator[str]:
    """Start Caddy before the replicas; yields its address."""
    port = free_port()
    path = folder / "Caddyfile"
    path.write_text(caddyfile(ports, port))
    command = ["caddy", "run", "--config", str(path), "--adapter", "caddyfile"]
    home = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with (folder / "caddy.log").open("w") as log:
        process = subprocess.Popen(command, env=home, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}/"
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{url}health").status_code == 200:
                    break
            time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()


class Disturbance:
    """When a replica was ended."""

    def __init__(self) -> None:
        self._times: list[tuple[float, float]] = []

    def note(self, begin: float) -> None:
        """It was ended between then and now [monotonic]."""
        self._times.append((begin, time.monotonic()))

    def begins(self) -> None:
        """One is about to be ended."""
        self._times.append((time.monotonic(), float("inf")))

    def excuses(self, begin: float) -> bool:
        """Whether something that began then may have met with it."""
        return any(a < time.monotonic() and begin < b + AWAY for a, b in self._times)


class Guest(Person):
    """Somebody whose replica may end: then they are told, and send their photo again."""

    disturbance: Disturbance

    async def send(self, kind: str) -> None:
        """Send one file as `Person` does; a connection that is lost is told by the browser."""
        begin, whole = time.monotonic(), self._diary
        self._diary = Diary()
        await super().send(kind)
        now, self._diary = self._diary, whole
        if now.faults and self.disturbance.excuses(begin) and all(map(is_told, now.faults)):
            now = Diary(collections.Counter(["told that the server is away, or renewed"]))
        whole.outcomes += now.outcomes
        whole.faults += now.faults


def is_told(fault: str) -> bool:
    """Whether a browser has words for what a person of the crowd has met with."""
    names = ("ReadError", "ConnectError", "RemoteProtocolError", "HTTPStatusError")
    words = (RENEWED, "Server stopped", *names, "502 ", "503 ")
    return any(word in fault for word in words) or fault.endswith(": {}")  # the stream has ended


async def vote_always(
    site: Site, acknowledged: dict[Ballot, float], disturbance: Disturbance, faults: list[str]
) -> None:
    """Vote again and again, until cancelled; writes down what was acknowledged."""
    visitor, screen = Visitor(site), {}
    while True:
        begin = time.monotonic()
        try:
            if screen.get("screen") != "trial":
                ticket = {"part": PARTS[0], "calibrated": True, "ticket": ""}
                screen = (await visitor.call(site.begin, [None], ticket))[0]
            vote = {key: screen[key] for key in ("ticket", "part", "trial")}
            data = await visitor.call(site.vote, [None], vote | {"answer": "3", "seconds": 1.0})
            if not data[0]["message"]:
                acknowledged[rater_of(vote["ticket"]), vote["trial"]] = time.monotonic()
            screen = data[0]
        except LOST as error:
            if not disturbance.excuses(begin):
                faults.append(f"a vote: {type(error).__name__}: {error}")
        await asyncio.sleep(PAUSE)


async def crowd(
    url: str, replicas: Sequence[Replica], people: int, minutes: float, folder: Path
) -> tuple[Diary, dict[Ballot, float], list[float]]:
    """Let a crowd in, and end one replica after the other."""
    diary, acknowledged, disturbance = Diary(), dict[Ballot, float](), Disturbance()
    Guest.disturbance = disturbance
    files, seconds, site = hostile(60), [], None
    async with contextlib.AsyncExitStack() as stack:

        async def own_site() -> Site:
            """One with cookies of its own."""
            nonlocal site
            limits = httpx.Limits(max_connections=None, keepalive_expiry=2.0)
            client = httpx.AsyncClient(limits=limits, timeout=PATIENCE)
            await stack.enter_async_context(client)
            site = site or Site(url, client)
            mine = copy.copy(site)
            mine.client = client
            await client.get(url)
            return mine

        voters = [
            asyncio.create_task(
                vote_always(await own_site(), acknowledged, disturbance, diary.faults)
            )
            for _ in range(4)
        ]
        guests = [
            Guest(await own_site(), diary, random.Random(i), folder / f"person{i}", files)
            for i in range(people)
        ]
        begin = time.monotonic()
        end = begin + 60 * minutes
        staying = [asyncio.create_task(guest.stay(begin, end)) for guest in guests]
        for replica, number in zip(replicas, (signal.SIGTERM, signal.SIGKILL), strict=True):
            await asyncio.sleep(20 * minutes)
            disturbance.begins()
            seconds.append(await asyncio.to_thread(replica.end, number))
            await asyncio.to_thread(replica.start)
            disturbance.note(begin)
        await asyncio.gather(*staying)
        for voter in voters:
            voter.cancel()
        await asyncio.gather(*voters, return_exceptions=True)
    return diary, acknowledged, seconds


def settle(replicas: Sequence[Replica]) -> None:
    """End all in order, which uploads their votes, and start them again, which fetches them."""
    for act in (lambda replica: replica.end(signal.SIGTERM), Replica.start):
        for replica in replicas:
            act(replica)


def votes_wrong(replicas: Sequence[Replica], acknowledged: dict[Ballot, float]) -> list[str]:
    """Say which votes a store lacks, or has twice."""
    found = []
    for number, replica in enumerate(replicas, 1):
        ballots = collections.Counter((v.rater, v.trial) for v in replica.store.votes())
        if lost := acknowledged.keys() - ballots.keys():
            found.append(f"replica {number} lacks {len(lost)} votes that were acknowledged")
        if twice := [ballot for ballot, count in ballots.items() if count > 1]:
            found.append(f"replica {number} has {len(twice)} votes twice")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what a crowd met with; returns 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=6.0)
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hub = stack.enter_context(hub_running(Hub()))
        more = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "RATINGS_REPO": REPO}
        replicas = [Replica(folder / f"page{i}", folder / "pictures", more) for i in (1, 2)]
        for replica in replicas:
            stack.callback(replica.close)
            replica.start()
        url = stack.enter_context(proxy(folder, [replica.port for replica in replicas]))
        met = crowd(url, replicas, options.people, options.minutes, folder)
        diary, acknowledged, seconds = asyncio.run(met)
        settle(replicas)
        found = [*diary.faults, *votes_wrong(replicas, acknowledged)]
        logs = "".join(replica.logs for replica in replicas)
        stores = [len(replica.store.votes()) for replica in replicas]
    for outcome, count in diary.outcomes.most_common():
        if count:
            print(f"{count:6}  {outcome}")
    print(f"{len(acknowledged)} votes acknowledged; in the stores {' and '.join(map(str, stores))}")
    print(f"ended {seconds[0]:.1f} s after SIGTERM, {seconds[1]:.1f} s after SIGKILL")
    if seconds[0] > GRACE:
        found.append(f"{seconds[0]:.1f} s after SIGTERM, over {GRACE:.0f}")
    # Of streams that its end has cut off Gradio reports errors of its own.
    if (ours := logs.find(f'File "{ROOT}')) >= 0:
        found.append(f"a replica has reported an error:\n{logs[max(0, ours - 2000) :][:4000]}")
    for text, count in collections.Counter(found).most_common():
        print(f"FAULT ({count}): {text}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

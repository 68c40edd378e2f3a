"""A crowd at the running app: is everybody answered, with their own pictures, and nothing left?

    python -m benchmarks.crowd --people 60 --minutes 10

Everybody sends photos that nobody else has, with pauses; in the middle third of the time all at
once, so that the queue is full. Of ten photos one is a hostile file, from one the person walks
away, at one they press Stop. Meanwhile somebody votes and looks at examples. Exit status 1 if a
goal is missed. Linux only; needs what the tests need (extra `dev`).
"""

import argparse
import asyncio
import collections
import contextlib
import io
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the mutants of the tests

import httpx
import numpy as np
import PIL.Image
import skimage.data
from hypothesis import given, seed, settings
from support.mutants import MUTANTS, ONCE_EACH
from support.picture_files import png

from benchmarks.machine import describe
from benchmarks.running import App, running, size
from benchmarks.visitor import RefusedError, Site, Visitor, timed
from demo.blind.session import PARTS
from demo.compare.outputs import BROKEN
from demo.compare.waiting import BUSY, MAX_WAITING
from demo.page import LAUNCH
from srgan.images import Image, crop_to_scale, enlarge, shrink
from srgan.reading import read_image

LIGHT_SECONDS = 0.3  # 95 of 100 light actions are faster while the queue is full
GROWTH = 0.1  # of memory and of the temporary folder
SIDES = (64, 512)  # of the photos [pixels]
RUSH, PAUSE = 5.0, 40.0  # mean seconds between a person's photos
QUIET = 25  # seconds in which the server finds out who has left
PATIENCE = 300.0  # seconds without a word from the server
BOMBS = (  # name and content
    ("bomb.png", png(60_000, 60_000, 8, 2, b"")),
    ("text.png", b"no picture"),
    ("empty.jpg", b""),
    ("link.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
)


class Light(NamedTuple):
    """A light action."""

    name: str
    seconds: float
    waiting: int  # for the networks at its begin

    @property
    def is_full(self) -> bool:
        """Whether the queue was full, or within one of it."""
        return self.waiting >= MAX_WAITING - 1


@dataclass
class Diary:
    """What has happened, and what should not have."""

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    faults: list[str] = field(default_factory=list)
    lights: list[Light] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)  # seconds until a run began
    waiting: int = 0  # for the networks, now


class Usage(NamedTuple):
    """What the process holds [MiB]."""

    memory: float
    temporary: float
    uploads: float
    results: float


def usage(app: App) -> Usage:
    """Measure it."""
    return Usage(app.memory, size(app.temporary), size(app.uploads), size(app.results))


def unique_photo(rng: random.Random) -> Image:
    """Return a crop that nobody else has: of a random place and size, with a few pixels changed."""
    whole = getattr(skimage.data, rng.choice(("astronaut", "coffee", "chelsea", "rocket")))()
    height, width = (min(rng.randint(*SIDES), n) for n in whole.shape[:2])
    top, left = rng.randint(0, whole.shape[0] - height), rng.randint(0, whole.shape[1] - width)
    photo = whole[top : top + height, left : left + width].copy()
    photo[:4, :4] = np.frombuffer(rng.randbytes(48), np.uint8).reshape(4, 4, 3)
    return photo


def hostile(count: int) -> list[tuple[str, bytes]]:
    """Draw hostile files, names and contents."""
    files = []

    @seed(0)
    @settings(max_examples=count, **ONCE_EACH)
    @given(MUTANTS)
    def draw(mutant: tuple[tuple[str, bytes], str]) -> None:
        (_, data), suffix = mutant
        files.append((f"mutant{suffix}", data))

    draw()
    return [*BOMBS, *files]


class Person:
    """Somebody who sends photos.

    Args:
        site: Where.
        diary: What becomes of them.
        rng: What they do.
        folder: For their files.
        files: Hostile ones.
    """

    def __init__(
        self,
        site: Site,
        diary: Diary,
        rng: random.Random,
        folder: Path,
        files: Sequence[tuple[str, bytes]],
    ) -> None:
        self._site, self._diary, self._rng = site, diary, rng
        self._folder, self._files = folder, files
        self._visitor = Visitor(site)
        folder.mkdir()

    async def stay(self, begin: float, end: float) -> None:
        """Send photos between two times [s, monotonic]; hurry in the middle third."""
        third = (end - begin) / 3
        while True:
            hurries = begin + third < time.monotonic() < end - third
            pause = self._rng.expovariate(1 / (RUSH if hurries else PAUSE))
            await asyncio.sleep(min(pause, max(begin + third - time.monotonic(), RUSH)))
            if time.monotonic() > end:
                return
            kind = self._rng.choices(("photo", "hostile", "leave", "stop"), (7, 1, 1, 1))[0]
            await self.send(kind)

    async def send(self, kind: str) -> None:
        """Send one file from the page that is open, and write down what becomes of it."""
        path = self._folder / "photo.png"
        if kind == "hostile":
            name, data = self._rng.choice(self._files)
            path = self._folder / name
            path.write_bytes(data)
        else:
            PIL.Image.fromarray(unique_photo(self._rng)).save(path)
        try:
            outcome = await self._send(kind, path)
        except RefusedError as error:
            outcome = (
                "told that the queue is full" if BUSY in str(error) else self._fault(str(error))
            )
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            outcome = self._fault(f"{kind}: {type(error).__name__}: {error}")
        self._diary.outcomes[outcome] += 1

    async def _send(self, kind: str, path: Path) -> str:
        visitor, site = self._visitor, self._site
        if kind in ("leave", "stop"):
            self._visitor = Visitor(site)  # and come back later
        photo = await visitor.upload(path)
        try:
            seconds, _ = await timed(visitor.ask(site.chosen, [photo, None]))
        except RefusedError as error:
            return self._fault(f"the upload's event was refused: {error}")
        self._diary.lights.append(Light("an upload's event", seconds, self._diary.waiting))
        watch = _Watch(self._diary, self._rng.uniform(0, 3) if kind in ("leave", "stop") else None)
        try:
            last = await visitor.ask(site.run, [None, "original", None, None], watch)
        finally:
            watch.started()
        if watch.seconds > 1 and not visitor.is_told:
            self._fault(f"waited for {watch.seconds:.1f} s without being told the place")
        if watch.is_over and kind == "leave":
            return "left"
        if watch.is_over:
            await visitor.cancel(site.run, watch.number)
            _, said = await visitor.call(site.stop, [None, None])
            return "stopped" if "Stopped" in said else self._fault(f"Stop said {said!r}")
        if not last.get("success"):
            return self._fault(f"{kind}: {last}")
        try:
            await visitor.ask(site.renewed, [None] * 4)
        except RefusedError as error:
            self._fault(f"what follows a run was refused: {error}")
        return await self._judge(kind, path, last["output"]["data"])

    async def _judge(self, kind: str, path: Path, data: list[Any]) -> str:
        """Tell what a run has brought: their own pictures, or a message."""
        panes, status = data[0], data[5]  # in the order of `demo.compare.outputs.Outputs`
        if not (isinstance(panes, dict) and panes.get("panes")):
            said = status if isinstance(status, str) else ""
            if kind == "hostile" and said and said != BROKEN:
                return "hostile, refused in words"
            return self._fault(f"{kind} of {path.stat().st_size} bytes: {said!r}")
        shown = {pane["key"]: pane["file"]["path"] for pane in panes["panes"] if pane["file"]}
        wanted = await asyncio.to_thread(expected, path)
        for key, image in wanted.items():
            file = await self._site.client.get(f"{self._site.api}file={shown[key]}")
            file.raise_for_status()
            if not np.array_equal(np.asarray(PIL.Image.open(io.BytesIO(file.content))), image):
                return self._fault(f"another picture than their own: {key}")
        if missing := {"srresnet", "srgan"} - shown.keys():
            return self._fault(f"done, but without {missing}")
        return "hostile, but a picture" if kind == "hostile" else "done, with their own pictures"

    def _fault(self, text: str) -> str:
        self._diary.faults.append(text)
        return "FAULT"


class _Watch:
    """Counts who waits, and ends a run after so many seconds."""

    def __init__(self, diary: Diary, patience: float | None) -> None:
        self._diary, self._patience, self._begin = diary, patience, time.monotonic()
        self.is_over, self.number, self.seconds = False, "", 0.0
        self._waits = False

    async def __call__(self, kind: str, number: str) -> bool:
        if not self.number:
            self.number, self._waits = number, True
            self._diary.waiting += 1
        if kind == "process_starts":
            self.started()
            self._diary.waits.append(self.seconds)
        self.is_over = self._patience is not None and self._elapsed > self._patience
        return not self.is_over

    def started(self) -> None:
        """Nobody waits any longer."""
        if self._waits:
            self._waits, self.seconds = False, self._elapsed
            self._diary.waiting -= 1

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._begin


def expected(path: Path) -> dict[str, Image]:
    """Return what the panes of somebody's photo must show."""
    hr = crop_to_scale(read_image(path))
    lr = shrink(hr)
    return {"input": lr, "bicubic": enlarge(lr), "original": hr}


async def act_lightly(site: Site, diary: Diary) -> None:
    """Vote and look at an example, again and again, until cancelled."""
    visitor, screen = Visitor(site), {}
    while True:
        if screen.get("screen") != "trial":
            ticket = {"part": PARTS[0], "calibrated": True, "ticket": ""}
            screen = (await visitor.call(site.begin, [None], ticket))[0]
        waiting = diary.waiting
        vote = {key: screen[key] for key in ("ticket", "part", "trial")}
        vote |= {"answer": "3", "seconds": 1.0}
        seconds, data = await timed(visitor.call(site.vote, [None], vote))
        diary.lights.append(Light("a vote", seconds, waiting))
        screen, waiting = data[0], diary.waiting
        seconds, _ = await timed(visitor.call(site.example, [None]))
        diary.lights.append(Light("an example", seconds, waiting))
        await asyncio.sleep(0.5)


async def warm_up(site: Site, folder: Path, people: int) -> None:
    """Have everything in use that a crowd uses: all sessions that are kept, a full queue."""
    for _ in range(LAUNCH["state_session_capacity"]):
        await Visitor(site).call(site.example, [None])
    diary = Diary()
    people = [
        Person(site, diary, random.Random(f"warm {i}"), folder / f"warm{i}", BOMBS)
        for i in range(people)
    ]
    lightly = asyncio.create_task(act_lightly(site, diary))
    for kind in ("photo", "hostile", "photo"):
        await asyncio.gather(*(person.send(kind) for person in people))
    await _ended(lightly)


async def crowd(app: App, people: int, minutes: float, folder: Path) -> tuple[Diary, Usage, Usage]:
    """Let a crowd in; returns what happened, and what the process held before and after."""
    limits = httpx.Limits(max_connections=None, keepalive_expiry=2.0)
    async with httpx.AsyncClient(limits=limits, timeout=PATIENCE) as client:
        site, diary, files = Site(app.url, client), Diary(), hostile(60)
        await warm_up(site, folder, people)
        await asyncio.sleep(min(QUIET, 60 * minutes))
        before, begin = usage(app), time.monotonic()
        lightly = asyncio.create_task(act_lightly(site, diary))
        everybody = [
            Person(site, diary, random.Random(i), folder / f"person{i}", files)
            for i in range(people)
        ]
        end = begin + 60 * minutes
        await asyncio.gather(*(person.stay(begin, end) for person in everybody))
        await _ended(lightly)
        await asyncio.sleep(min(QUIET, 60 * minutes))
        after = usage(app)
        seconds, _ = await timed(everybody[0].send("photo"))  # nobody is in the way any longer
        print(f"a photo after all had gone: {seconds:.2f} s")
        return diary, before, after


async def _ended(task: asyncio.Task) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def late(lights: Sequence[Light]) -> float:
    """Return the 95th percentile [s]; 0 without any."""
    return float(np.percentile([light.seconds for light in lights], 95)) if lights else 0.0


def faults(diary: Diary, before: Usage, after: Usage) -> list[str]:
    """Say which goals are missed."""
    found = list(diary.faults)
    for name in ("a vote", "an example"):
        while_full = [light for light in diary.lights if light.name == name and light.is_full]
        if late(while_full) > LIGHT_SECONDS:
            found.append(f"{name} while the queue is full: 95 % within {late(while_full):.2f} s")
    for name in ("memory", "temporary"):
        was, is_ = getattr(before, name), getattr(after, name)
        if is_ > (1 + GROWTH) * was + 1:
            found.append(f"{name}: {was:.0f} MiB before, {is_:.0f} MiB after")
    return found


def report(diary: Diary, before: Usage, after: Usage) -> None:
    """Print what happened."""
    for outcome, count in diary.outcomes.most_common():
        print(f"{count:6}  {outcome}")
    if diary.waits:
        median, long = np.percentile(diary.waits, [50, 95])
        print(f"waited for the networks: median {median:.1f} s, 95 % under {long:.1f} s")
    print(f"\n{'light action':20} {'queue':>8} {'count':>6}   median   95 %")
    for name in sorted({light.name for light in diary.lights}):
        for state, is_full in (("full", True), ("not full", False)):
            those = [x for x in diary.lights if x.name == name and x.is_full == is_full]
            if those:
                median = np.median([light.seconds for light in those])
                print(f"{name:20} {state:>8} {len(those):6} {median:7.3f} s {late(those):6.3f} s")
    print(f"\n{'MiB':20} {'before':>8} {'after':>8}")
    for name, was, is_ in zip(Usage._fields, before, after, strict=True):
        print(f"{name:20} {was:8.1f} {is_:8.1f}")
    print("uploads go after one to two hours, results after one (at most 512 MiB): by design")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what a crowd met with; returns 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args(arguments)
    print(describe())
    with tempfile.TemporaryDirectory() as name, running(Path(name) / "app") as app:
        met = asyncio.run(crowd(app, options.people, options.minutes, Path(name)))
        log = app.log
    report(*met)
    found = faults(*met)
    if "Traceback" in log:
        found.append(f"the app has reported an error:\n{log[log.index('Traceback') :][:2000]}")
    for text, count in collections.Counter(found).most_common():
        print(f"FAULT ({count}): {text}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

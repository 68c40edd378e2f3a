"""A large set at the running app: does its memory stay flat, and how long do others wait?

    python -m benchmarks.sets --photos 50 --megapixels 2

One visitor gives a set. After every photo the process's memory and the bytes on disk are printed.
Meanwhile others compare a single photo each: beside nobody, beside another single photo, beside
the set. With --plain the three methods are interpolations: everything but the networks, which have
a bound of their own. Exit status 1 if the memory grows by more than a twentieth after the tenth
photo, or the wait beside the set is longer than beside a photo. Linux only.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import numpy as np
import PIL.Image

from benchmarks.running import App, running, size
from benchmarks.visitor import Site, Visitor

GROWTH = 0.05  # of memory after the tenth photo
TIMES = 3  # that each wait is measured
BESIDE = (0, 2, 4)  # photos of the set beside which somebody compares a single one
PLAIN = """
from demo.page import LAUNCH, build_page
from demo.start.memory import keep_memory_small
from srgan.images import enlarge
from srgan.upscale import Plain
keep_memory_small()
page = build_page([Plain(name, enlarge) for name in ("Bicubic", "SRResNet", "SRGAN")])
page.launch(**LAUNCH)
"""


def make_photo(path: Path, megapixels: float, seed: int) -> Path:
    """Write a photo-like picture that no other seed gives."""
    rng = np.random.default_rng(seed)
    height, width = int((megapixels * 1e6 / 1.5) ** 0.5), int((megapixels * 1e6 * 1.5) ** 0.5)
    coarse = PIL.Image.fromarray(rng.integers(0, 256, (24, 36, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), PIL.Image.Resampling.BICUBIC), np.int16)
    grain = rng.integers(-12, 13, (height, width, 1), dtype=np.int16)
    image = np.clip(smooth + grain, 0, 255).astype(np.uint8)
    PIL.Image.fromarray(image).save(path, quality=92)
    return path


async def compare_one(site: Site, path: Path) -> float:
    """Let somebody compare a single photo; returns the seconds until it was done."""
    person = Visitor(site)
    await person.ask(site.chosen, [await person.upload(path), None])
    start = time.perf_counter()
    answer = await person.ask(site.run, [None, "original", None, None])
    assert answer.get("success"), answer
    return time.perf_counter() - start


async def beside(site: Site, paths: Sequence[Path], other: Path | None) -> float:
    """Return the median seconds of single photos, each beside nobody or another's photo."""
    seconds = []
    for path in paths:
        task = asyncio.create_task(compare_one(site, other)) if other else None
        if task:
            await asyncio.sleep(0.3)  # the other one is at work
        seconds.append(await compare_one(site, path))
        if task:
            await task
    return statistics.median(seconds)


async def measure(app: App, photos: int, megapixels: float, folder: Path) -> bool:
    """Print what happens; returns whether all is well."""
    singles = [make_photo(folder / f"single{i}.jpg", megapixels, 1000 + i) for i in range(9)]
    others = [make_photo(folder / f"other{i}.jpg", megapixels, 2000 + i) for i in range(3)]
    async with httpx.AsyncClient(timeout=600) as client:
        site = Site(app.url, client)
        await compare_one(site, make_photo(folder / "warm.jpg", megapixels, 999))
        alone = await beside(site, singles[:TIMES], None)
        pair = [await beside(site, [single], other)
                for single, other in zip(singles[3:6], others, strict=True)]  # fmt: skip
        print(f"a single photo: {alone:.1f} s alone, {statistics.median(pair):.1f} s beside one")
        owner = Visitor(site)
        await owner.ask(site.opened, [None, None], carried={"token": "0" * 31 + "1"})
        files = []
        for i in range(photos):
            path = make_photo(folder / f"{i:03}.jpg", megapixels, i)
            files.append({"name": path.name, "path": (await owner.upload(path))["path"]})
        given = {"files": files, "refused": []}
        await owner.ask(site.added, ["original", None, None], carried=given)
        waits, memory = [], []
        for i in range(photos):
            one = None
            if i in BESIDE:
                one = asyncio.create_task(late(site, singles[6 + len(waits)]))
            start = time.perf_counter()
            answer = await owner.ask(site.work, [None])
            assert answer.get("success"), answer
            memory.append(app.memory)
            print(f"photo {i + 1:3}: {time.perf_counter() - start:5.1f} s, {memory[-1]:6.0f} MiB, "
                  f"{size(app.uploads):6.0f} MiB on disk", flush=True)  # fmt: skip
            if one:
                # The set goes on while the other's photo waits, as it does on the page.
                waits.append(one)
        seconds = [await one for one in waits]
        wait = statistics.median(seconds)
        print(f"a single photo beside the set: {wait:.1f} s")
        is_flat, said = flat(memory)
        print(said)
        return is_flat and wait <= 1.25 * statistics.median(pair)


def flat(memory: Sequence[float]) -> tuple[bool, str]:
    """Say whether the memory [MiB] after each photo grows no more after the tenth."""
    early, late = memory[:10], memory[10:]
    if not late:
        said = f"memory: at most {max(early):.0f} MiB; flat after the tenth or not, 11 photos show"
        return True, said
    growth = max(late) / max(early) - 1
    verdict = "flat after the tenth" if growth <= GROWTH else "it grows"
    said = f"memory: {max(early):.0f} MiB in the first ten, {max(late):.0f} MiB after them"
    return growth <= GROWTH, f"{said} ({growth:+.1%}): {verdict}"


async def late(site: Site, path: Path) -> float:
    """Compare a single photo once the set's photo is at work."""
    await asyncio.sleep(0.3)
    return await compare_one(site, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=50)
    parser.add_argument("--megapixels", type=float, default=2.0)
    parser.add_argument("--plain", action="store_true", help="interpolations instead of networks")
    args = parser.parse_args(arguments)
    if args.photos < 1:
        parser.error("--photos must be 1 or more")
    command = [sys.executable, "-c", PLAIN] if args.plain else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "app").mkdir()
        with running(folder / "app", command) as app:
            is_well = asyncio.run(measure(app, args.photos, args.megapixels, folder))
    return 0 if is_well else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""Hostile files by the thousand: is each read as a picture or refused, in bounded time and memory?

    python -m benchmarks.fuzz --cases 20000

Each file is read in a process of its own kind, which a crash, the clock or the memory may end. What
should not have been is saved under `--keep`, and the exit status is 1. Linux only.
"""

import argparse
import collections
import multiprocessing
import os
import re
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the mutants of the tests

import numpy as np
import PIL.Image
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from support.mutants import EXIF, MUTANTS, ONCE_EACH
from support.picture_files import P3_ICC, encode

MAX_SECONDS = 10  # of the processor, a file
MAX_MIB = 2000  # above the idle process: 64 megapixels with alpha as WebP take 1,660
PATIENCE = 120  # seconds by the clock


class Result(NamedTuple):
    """What became of a file."""

    outcome: str
    sound: bool
    seconds: float
    mib: float


def status_mib(name: str) -> float:
    """Return a value of this process's memory, as VmHWM, its peak."""
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+)", text)[1]) / 1024


def read_files(pipe: Connection) -> None:
    """Read the files whose paths come, until None comes; runs in the worker."""
    from srgan.images import ImageError
    from srgan.reading import read_image

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff's complaints
    limit = int((status_mib("VmSize") + 2 * MAX_MIB) * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    while request := pipe.recv():
        path, filters = request
        warnings.simplefilter(filters)
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak
        idle, start = status_mib("VmRSS"), time.process_time()
        try:
            image = read_image(path)
            sound = image.dtype == "uint8" and image.ndim == 3 and image.shape[2] == 3
            outcome = "valid" if sound else f"odd picture: {image.dtype} {image.shape}"
            del image
        except ImageError as error:
            reason = re.sub(r"[\d.e+]*\d", "N", str(error).split(". ")[0])
            outcome, sound = f"refused: {reason}", "memory" not in reason
        except BaseException as error:
            outcome, sound = f"{type(error).__name__}: {error}", False
        seconds = time.process_time() - start
        pipe.send(Result(outcome, sound, seconds, status_mib("VmHWM") - idle))


class Reader:
    """A worker that is replaced when it died."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=read_files, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def read(self, path: Path, filters: str) -> Result:
        """Have a file read with warnings treated as `filters` says."""
        try:
            self._pipe.send((path, filters))
            if self._pipe.poll(PATIENCE):
                result = self._pipe.recv()
                for broken, what in (
                    (result.seconds > MAX_SECONDS, "too slow"),
                    (result.mib > MAX_MIB, "too much memory"),
                ):
                    if broken:
                        return result._replace(outcome=f"{what}: {result.outcome}", sound=False)
                return result
            outcome = "no answer"
        except (EOFError, OSError):
            self._process.join()
            outcome = f"crash, exit status {self._process.exitcode}"
        self._process.kill()
        self._start()
        return Result(outcome, False, PATIENCE, MAX_MIB)

    def close(self) -> None:
        """End the worker."""
        self._pipe.send(None)
        self._process.join()


def large() -> Iterator[tuple[str, bytes]]:
    """Yield pictures of 64 megapixels, the most that is read, in the hungriest forms."""
    ramp = np.linspace(0, 255, 8000).astype(np.uint8)
    rgba = np.stack(np.broadcast_arrays(ramp[:, None], ramp, np.uint8(90), ramp[:, None]), -1)
    colours, common = PIL.Image.fromarray(rgba[..., :3]), {"icc_profile": P3_ICC}
    rotated = {**common, "exif": b"Exif\0\0" + EXIF}
    yield "64 MP PNG", encode(rgba, "PNG", compress_level=1, **rotated)
    yield "64 MP JPEG", encode(colours, "JPEG", progressive=True, subsampling=0, **rotated)
    yield "64 MP WebP", encode(rgba, "WEBP", lossless=True, quality=0, method=0, **rotated)
    yield "64 MP AVIF", encode(rgba, "AVIF", speed=10, **common)
    yield (
        "64 MP TIFF",
        encode(ramp * np.ones((8000, 1), np.float32), "TIFF", compression="tiff_deflate"),
    )


def fuzz(cases: int, start: int, keep: Path, with_large: bool) -> list[tuple[str, Result]]:
    """Read that many mutants, drawn from a seed; returns the kind and the result of each."""
    results, reader = [], Reader()

    def read(kind: str, data: bytes, suffix: str, filters: str) -> None:
        path = Path(folder) / f"mutant{suffix}"
        path.write_bytes(data)
        result = reader.read(path, filters)
        path.unlink()
        results.append((kind, result))
        if not result.sound:
            keep.mkdir(parents=True, exist_ok=True)
            saved = keep / f"{start}-{len(results)}{suffix}"
            saved.write_bytes(data)
            print(f"{saved}: {result.outcome} ({kind})", flush=True)

    @seed(start)
    @settings(max_examples=cases, **ONCE_EACH)
    @given(mutant=MUTANTS, filters=st.sampled_from(("error", "ignore")))
    def run(mutant: tuple[tuple[str, bytes], str], filters: str) -> None:
        (kind, data), suffix = mutant
        read(kind, data, suffix, filters)

    with tempfile.TemporaryDirectory() as folder:
        for kind, data in large() if with_large else ():
            read(kind, data, "", "error")
        run()
    reader.close()
    return results


def report(results: list[tuple[str, Result]]) -> None:
    """Print the cases by kind and by outcome, and the extremes."""

    def table(title: str, counts: collections.Counter) -> None:
        print(f"\n{title}")
        for name, count in counts.most_common():
            print(f"  {count:6}  {name}")

    table("kinds of file", collections.Counter(kind for kind, _ in results))
    table("outcomes", collections.Counter(result.outcome for _, result in results))

    def extreme(key: str) -> tuple[str, Any]:
        return max(results, key=lambda item: getattr(item[1], key))

    kind, slowest = extreme("seconds")
    print(f"\nslowest file: {slowest.seconds:.2f} s ({kind}, {slowest.outcome})")
    kind, largest = extreme("mib")
    print(f"peak memory above the idle process: {largest.mib:.0f} MiB ({kind}, {largest.outcome})")


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--keep", type=Path, default=Path("runs/fuzz"), help="for what failed")
    parser.add_argument("--large", action="store_true", help="and 64-megapixel pictures first")
    options = parser.parse_args()
    results = fuzz(options.cases, options.seed, options.keep, options.large)
    failed = sum(not result.sound for _, result in results)
    print(f"{len(results)} cases, {failed} failed")
    report(results)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()

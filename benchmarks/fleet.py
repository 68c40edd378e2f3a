"""Enlarge pictures by a Ray cluster of two machines, and by the local command: the same, as fast?

    python -m benchmarks.fleet --pictures 200

Both machines are this one, with half of its cores each. Three runs on the cluster: a quarter of the
pictures, all, and all again with the second machine killed in the middle. Goals: the same files,
byte for byte; memory as flat as the pictures in flight; processor time for a picture, start aside,
at most a tenth above the local command's. Exit status 1 if one is missed. Linux only; needs the
extra `ray`.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import ray
import skimage.data
from ray.cluster_utils import Cluster

from benchmarks.running import ROOT
from srgan.enlarge_files import main as enlarge
from srgan.images import write_png

OVERHEAD = 1.10  # of the processor time for a picture
GROWTH = 1.10  # of the memory, from a quarter of the pictures to all
TICK = os.sysconf("SC_CLK_TCK")
STORE = {"object_store_memory": 200 * 2**20}


class Run(NamedTuple):
    """What it took to enlarge so many pictures."""

    code: int
    seconds: float
    processor: float  # seconds of all its processes
    memory: float  # most that its workers held together [MiB]


def photos(folder: Path, count: int, side: int) -> Path:
    """Write different photos of that side."""
    folder.mkdir()
    sources = [getattr(skimage.data, name)() for name in ("astronaut", "chelsea", "coffee")]
    rng = np.random.default_rng(0)
    for number in range(count):
        whole = sources[number % len(sources)]
        top, left = (int(rng.integers(n - side + 1)) for n in whole.shape[:2])
        write_png(whole[top : top + side, left : left + side], folder / f"{number:04}.png")
    return folder


def same(one: Path, other: Path, count: int) -> bool:
    """Whether two folders hold the same files, as many as that."""
    found, wanted = ({p.name: p.read_bytes() for p in x.iterdir()} for x in (one, other))
    return len(wanted) == count and found == wanted


def local(source: Path, target: Path) -> Run:
    """Run the local command."""
    begin, before = time.perf_counter(), os.times()
    command = [sys.executable, "-m", "srgan.cli", "enlarge", str(source), "--out", str(target)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    after = os.times()
    processor = after.children_user + after.children_system
    processor -= before.children_user + before.children_system
    return Run(done.returncode, time.perf_counter() - begin, processor, 0.0)


def spread(cluster: Cluster, source: Path, target: Path, halfway: Callable[[], None]) -> Run:
    """Run it on the cluster; `halfway` is called when half of the pictures are there."""
    count, over = len(list(source.iterdir())), threading.Event()
    most: dict[str, float] = {"memory": 0.0, "watching": 0.0}
    spent: dict[int, float] = {}

    def watch() -> None:
        is_called = False
        while not over.wait(0.2):
            held = 0.0
            for process in workers():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    memory, spent[process] = usage(process)
                    held += memory
            most["memory"] = max(most["memory"], held)
            if not is_called and target.is_dir() and len(list(target.glob("*.png"))) >= count / 2:
                is_called = True
                halfway()
            most["watching"] = time.thread_time()

    watching = threading.Thread(target=watch)
    begin, mine = time.perf_counter(), time.process_time()
    watching.start()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        code = enlarge([str(source), "--out", str(target), "--ray", cluster.address])
    seconds = time.perf_counter() - begin
    over.set()
    watching.join()
    mine = time.process_time() - mine - most["watching"]
    return Run(code, seconds, sum(spent.values()) + mine, most["memory"])


def workers() -> Iterator[int]:
    """Yield the processes of actors on this machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes().startswith(b"ray::MapWorker"):
                yield int(path.parent.name)


def usage(process: int) -> tuple[float, float]:
    """Memory of a process [MiB], its own alone, and the processor time that it has taken [s]."""
    folder = Path(f"/proc/{process}")
    resident, shared = (int(x) for x in (folder / "statm").read_text().split()[1:3])
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    pages = os.sysconf("SC_PAGE_SIZE")
    return (resident - shared) * pages / 2**20, (int(fields[11]) + int(fields[12])) / TICK


@contextmanager
def two_machines(cores: int) -> Iterator[tuple[Cluster, Any]]:
    """A cluster of two machines, both this one; yields it and the second."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cores, **STORE})
    second = cluster.add_node(num_cpus=cores, **STORE)
    try:
        yield cluster, second
    finally:
        ray.shutdown()
        cluster.shutdown()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what the runs took; returns 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--side", type=int, default=256, help="of a picture [%(default)s]")
    options = parser.parse_args(arguments)
    count, cores = options.pictures, max(1, (os.cpu_count() or 2) // 2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = photos(folder / "few", count // 4, options.side)
        many = photos(folder / "many", count, options.side)
        one, runs = folder / "one", {}
        runs["local, a quarter"] = local(few, folder / "one-few")
        runs["local, all"] = local(many, one)
        for name, source, target in (("a quarter", few, "a"), ("all", many, "b")):
            with two_machines(cores) as (cluster, _):
                runs[name] = spread(cluster, source, folder / target, lambda: None)
        with two_machines(cores) as (cluster, second):

            def kill() -> None:
                cluster.remove_node(second, allow_graceful=False)

            runs["all, one killed"] = spread(cluster, many, folder / "c", kill)
        equal = {target: same(folder / target, one, count) for target in ("b", "c")}
    print("run               exit  seconds  processor [s]  workers' memory [MiB]")
    for name, run in runs.items():
        print(f"{name:18}{run.code:4} {run.seconds:8.0f} {run.processor:14.1f} {run.memory:12.0f}")
    # Of what the larger run takes more, the start is no part.
    paces = [
        (runs[all_].processor - runs[few].processor) / (count - count // 4)
        for few, all_ in (("local, a quarter", "local, all"), ("a quarter", "all"))
    ]
    print(f"processor time for a picture: local {paces[0]:.3f} s, cluster {paces[1]:.3f} s")
    found = [f"{name}: exit code {run.code}" for name, run in runs.items() if run.code]
    found += [
        f"{target}: other files than the local command's" for target in equal if not equal[target]
    ]
    if paces[1] > OVERHEAD * paces[0]:
        found.append(f"{paces[1] / paces[0]:.2f} times the local command's processor time")
    if runs["all"].memory > GROWTH * runs["a quarter"].memory:
        found.append("memory grows with the pictures")
    print("\n".join(found) or "The same files, memory is flat, and little is lost.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

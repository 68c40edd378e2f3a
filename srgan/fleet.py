"""Work spread over a cluster by Ray Data: an actor a GPU, or every so many cores."""

import argparse
import logging
import os
import pickle
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

LACKING = "--ray needs Ray, which is not installed: pip install 'srgan[ray]'"
CORES = 4  # of an actor: more make a picture come sooner, and fewer pictures an hour
AHEAD = 2  # items that an actor has or is about to get
TRIES = 2  # in which none of the items that are left is done
_BLOCKS = 10_000  # what is lost with a process, and what the driver holds of each, are bounded
logger = logging.getLogger(__name__)
_ADDRESS = re.compile(r"auto|local|ray://.+|[^/\\]+:\d+")


class FleetError(Exception):
    """There is no cluster to work on; says why, and what to do."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--ray` and `--cores` to a command."""
    ray = "spread the work over a Ray cluster: HOST:PORT, auto or ray://…; without an address over "
    ray += "the one that runs here, else over this machine. Needs the extra srgan[ray]"
    parser.add_argument("--ray", nargs="?", const="", type=_address, metavar="ADDRESS", help=ray)
    cores = f"with --ray on processors: cores for a picture, default {CORES}, or what a machine has"
    parser.add_argument("--cores", type=_cores, metavar="N", help=cores)


def _address(text: str) -> str:
    if text and not _ADDRESS.fullmatch(text):  # without one it is ""
        raise argparse.ArgumentTypeError(
            f"{text!r} is no address of a cluster (HOST:PORT, ray://…, auto or local); without an "
            "address write --ray at the end"
        )
    return text


def _cores(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"expected a number from 1, got {text!r}")
    return int(text)


def connect(address: str) -> None:
    """Join a cluster, or start one on this machine.

    Args:
        address: As `--ray` takes it; "" for the one that runs here, else a new one.

    Raises:
        FleetError: Ray is not installed, or nothing answers there.
    """
    if find_spec("ray") is None:
        raise FleetError(LACKING)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        ray.init(address or None, ignore_reinit_error=True, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise FleetError(
            f"no Ray cluster answers at {address or 'this machine'}: {reason}"
        ) from None


def spread(
    make: Callable[[], Callable[[T], R]], items: Sequence[T], cores: int | None = None
) -> Iterator[tuple[int, R]]:
    """Work on items in the cluster that was joined; yields numbers and results as they come.

    An item is worked on again if its process or machine is gone: what is done must be recognised.
    One that takes its process with it every time brings no result.

    Args:
        make: Called once in every actor; returns what works on an item there. Pickled.
        items: Pickled, each.
        cores: Of an actor, where there are no GPUs.

    Raises:
        FleetError: No machine has so many cores.
    """
    import ray

    left, ahead, fruitless = dict(enumerate(items)), AHEAD, 0
    while left and fruitless < TRIES:
        before = len(left)
        try:
            for number, result in _spread_once(make, left.copy(), cores, ahead):
                del left[number]
                yield number, result
        except ray.exceptions.RayError as error:
            logger.info("Begins again with what is left: %s", error)
        fruitless = 0 if len(left) < before else fruitless + 1
        ahead = 1  # what kills its actor takes no other with it


def _spread_once(
    make: Callable[[], Callable[[T], R]], items: dict[int, T], cores: int | None, ahead: int
) -> Iterator[tuple[int, R]]:
    import ray.data

    actors, resources = _actors(cores)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # tried again by `spread`
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    # Items go by value and lie in the driver's store; the pictures themselves never do.
    rows = [{"number": number, "item": pickle.dumps(item)} for number, item in items.items()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # max_restarts is to get another name in 2.64
        work = ray.data.from_items(rows, override_num_blocks=min(len(rows), _BLOCKS)).map(
            _Worker,
            fn_constructor_args=[make],
            compute=ray.data.ActorPoolStrategy(
                size=min(actors, len(rows)), max_tasks_in_flight_per_actor=ahead
            ),
            max_restarts=0,  # there may be no room for it, and its items would wait for it
            max_task_retries=0,
            **resources,
        )
    for row in work.iter_rows():
        yield row["number"], pickle.loads(row["result"])  # noqa: S301 - of `_Worker`


def _actors(cores: int | None) -> tuple[int, dict[str, Any]]:
    """How many actors have room, and what each takes."""
    import ray

    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if gpus := sum(int(machine.get("GPU", 0)) for machine in machines):
        return gpus, {"num_gpus": 1, "num_cpus": 1}
    counts = [int(machine.get("CPU", 0)) for machine in machines]
    cores = cores or min(CORES, *(count for count in counts if count), CORES)
    if not (actors := sum(count // cores for count in counts)):
        raise FleetError(f"no machine has {cores} cores; the largest has {max(counts, default=0)}")
    return actors, {"num_cpus": cores}


class _Worker:
    """An actor: keeps what was made once."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        self._work = make()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        result = self._work(pickle.loads(row["item"]))  # noqa: S301 - of `spread`
        return {"number": row["number"], "result": pickle.dumps(result)}

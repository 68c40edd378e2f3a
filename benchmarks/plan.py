"""How many people a page serves, on paper: the crowd of `benchmarks.crowd` before one queue.

    python -m benchmarks.plan --seconds 1.2 --price 0.40

A person sends a photo, waits for it, looks at it for a while (exponential, `PAUSE` seconds in the
mean) and sends the next. A unit works on one photo at a time; at most `MAX_WAITING` wait for it,
and who comes then goes on looking: the queue M/M/1/K of a finite population, whose states have
closed probabilities (Kleinrock, Queueing Systems I, 3.8). Units behind a balancer that keeps people
where they are, are so many queues of their own.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.crowd import PAUSE
from demo.compare.waiting import MAX_WAITING

REFUSED, WAIT = 0.01, 30.0  # what people bear: share of photos, mean seconds until it is their turn


class Load(NamedTuple):
    """What a unit and its people meet with."""

    people: int
    photos: float  # a second, done
    refused: float  # share of those sent
    wait: float  # mean seconds in the queue of those taken
    busy: float  # share of the time


def load(people: int, seconds: float, pause: float = PAUSE) -> Load:
    """Work out what so many people at one unit of so many seconds a photo meet with."""
    room = min(people, MAX_WAITING + 1)
    states = np.arange(room + 1)  # photos there, the one in work included
    weights = np.ones(room + 1)
    for n in states[1:]:
        weights[n] = weights[n - 1] * (people - n + 1) * seconds / pause
        weights /= weights.sum()
    sent = float((weights * (people - states)).sum() / pause)
    busy = 1 - float(weights[0])
    done = busy / seconds
    waiting = float((weights * np.maximum(states - 1, 0)).sum())
    return Load(people, done, max(0.0, 1 - done / sent), waiting / done, busy)


def most(seconds: float, pause: float = PAUSE) -> Load:
    """The load of the most people who bear it."""
    people = 1
    while (more := load(people + 1, seconds, pause)).refused <= REFUSED and more.wait <= WAIT:
        people += 1
    return load(people, seconds, pause)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what one unit serves, and what it costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seconds", type=float, nargs="+", required=True, help="that a unit works on a photo")
    add("--price", type=float, default=0.0, help="of an hour of a unit")
    add("--units", type=int, default=1)
    options = parser.parse_args(arguments)
    print("seconds  units  people  photos/s  refused  wait [s]  busy  cost of 1,000 photos")
    for seconds in options.seconds:
        one = most(seconds)
        cost = options.price / (one.photos * 3600) * 1000
        photos = one.photos * options.units
        print(
            f"{seconds:7.2f} {options.units:6} {one.people * options.units:7} {photos:9.2f} "
            f"{one.refused:8.1%} {one.wait:9.1f} {one.busy:5.0%} {cost:21.3f}"
        )


if __name__ == "__main__":
    sys.exit(main())

"""What a person is shown in the blind test, and in which order.

A plan is a function of the rater, the photos and the weights. It is drawn on the server, which
needs to keep nothing but the votes: a session that was left goes on with the first trial that has
no vote. An id of a trial tells nothing about what is shown. To one who reads this code nothing is
secret, nor could it be: the pictures themselves are in the repository.

*Ratings* are the paper's test (Ledig et al., section 3.3): one image at a time, from 1 bad to
5 excellent, no original beside. Each rater sees the five methods on `PHOTOS` photos, `REPEATS` of
these images again, and two catch trials on photos outside the test. A calibration comes before.

*Pairs* show two methods side by side. In a first block the question is which looks more like a real
photo, with a catch trial among them; in a second, with the original shown, which is closer to it.
In blocks, since one who has seen a photo's original has the answer to the first question, too.
Networks that were added to the page are compared with the two shipped ones and with each other.
"""

import functools
import hashlib
import itertools
import random
import re
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from demo.blind.store import Vote

METHODS = ("Nearest", "Bicubic", "SRResNet", "SRGAN", "Original")
PAIRS = tuple(itertools.combinations(METHODS[1:4], 2))
RATED = METHODS[2:4]  # what a network that was added is compared with
CATCH = (METHODS[0], METHODS[-1])  # nobody who looks prefers the first
PHOTOS = 4
REPEATS = 3
REPEAT_DISTANCE = 5  # trials from an image to its repeat, at least


class Trial(NamedTuple):
    """One image to rate, or two to choose from."""

    id: str  # 32 hex digits
    kind: str  # "rating", "real" or "closer", as in a `Vote`
    role: str  # "test", "repeat" or "catch"; "calibration" takes no vote
    photo: str
    left: str  # method of the image at the left, or of the only one
    right: str | None = None

    def vote(self, rater: str, answer: str, seconds: float, weights: str) -> Vote:
        """Return this rater's answer, given now, as a vote; the store checks its values."""
        shown = (self.kind, self.role, self.photo, self.left, self.right)
        return Vote(rater, self.id, *shown, answer, seconds, weights, int(time.time()))


class Plan(NamedTuple):
    """All trials of a rater, in order."""

    calibration: tuple[Trial, ...]  # nearest is a 1, the original a 5: to be shown with the answer
    ratings: tuple[Trial, ...]
    pairs: tuple[Trial, ...]


def pairs_of(rivals: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of methods that are compared, with networks that were added by name."""
    added = [(known, rival) for rival in rivals for known in RATED]
    return (*PAIRS, *added, *itertools.combinations(rivals, 2))


def new_ticket() -> str:
    """Draw what a browser keeps to come back to its session, and to delete its votes."""
    return secrets.token_hex(16)


def rater_of(ticket: str) -> str:
    """Return the rater id of a ticket: from the ids in a published table follows no ticket.

    Raises:
        ValueError: It is no ticket.
    """
    if not (isinstance(ticket, str) and re.fullmatch("[0-9a-f]{32}", ticket)):
        raise ValueError("Not a ticket of this test")
    return _digest("rater", ticket)


def remaining(trials: Iterable[Trial], votes: Iterable[Vote]) -> list[Trial]:
    """Return the trials that have no vote yet, in order."""
    done = {vote.trial for vote in votes}
    return [trial for trial in trials if trial.id not in done]


@functools.lru_cache(maxsize=256)
def draw_plan(
    rater: str,
    photos: tuple[str, ...],
    anchors: tuple[str, ...],
    weights: str,
    rivals: tuple[str, ...] = (),
) -> Plan:
    """Draw the trials of a rater: always the same for the same arguments.

    Args:
        rater: Of `rater_of`.
        photos: Names of the photos in the test, at least 3; a rater sees `PHOTOS` of them.
        anchors: Names of photos outside the test, at least 2, for calibration and catch trials.
        weights: Version of the networks' weights.
        rivals: Networks in the pairs beside the shipped ones.

    Raises:
        ValueError: Too few photos, or one that is in both places.
    """
    if len(photos) < 3 or len(anchors) < 2 or {*photos} & {*anchors}:
        raise ValueError("The test needs 3 photos, and 2 others for calibration")
    seed = _digest("plan", rater, weights, *photos, "", *anchors)
    rng = random.Random(seed)
    chosen, outside = rng.sample(photos, min(PHOTOS, len(photos))), rng.sample(anchors, 2)
    calibration = _calibration(rng, outside)
    parts = (
        calibration,
        _ratings(rng, chosen, outside),
        _pairs(rng, chosen, outside, pairs_of(rivals)),
    )
    numbers = itertools.count()
    return Plan(
        *(tuple(t._replace(id=_digest("trial", seed, next(numbers))) for t in p) for p in parts)
    )


def _calibration(rng: random.Random, anchors: list[str]) -> list[Trial]:
    images = itertools.product(anchors, CATCH)
    return _shuffled(rng, [Trial("", "rating", "calibration", *image) for image in images])


def _ratings(rng: random.Random, photos: list[str], anchors: list[str]) -> list[Trial]:
    images = list(itertools.product(photos, METHODS))
    repeats = min(REPEATS, len(photos))
    images += zip(rng.sample(photos, repeats), rng.sample(METHODS, repeats), strict=True)
    trials = [Trial("", "rating", "test", *image) for image in images]
    trials += [
        Trial("", "rating", "catch", *image)
        for image in zip(rng.sample(anchors, 2), CATCH, strict=True)
    ]
    order = _shuffled(rng, trials, _repeats_come_late)
    return [
        trial._replace(role="repeat") if trial in order[:place] else trial
        for place, trial in enumerate(order)
    ]


def _pairs(
    rng: random.Random, photos: list[str], anchors: list[str], pairs: Sequence[tuple[str, str]]
) -> list[Trial]:
    catch = Trial("", "real", "catch", rng.choice(anchors), *rng.sample(CATCH, 2))
    real = _shuffled(rng, [*_every_pair(rng, photos, "real", pairs), catch])
    closer = _every_pair(rng, photos, "closer", pairs)
    return real + _shuffled(rng, closer, lambda order: order[0].photo != real[-1].photo)


def _every_pair(
    rng: random.Random, photos: list[str], kind: str, pairs: Sequence[tuple[str, str]]
) -> list[Trial]:
    """Every two methods on every photo, each as often one way round as the other."""
    trials = []
    for pair in pairs:
        start = rng.randrange(2)
        for place, photo in enumerate(rng.sample(photos, len(photos))):
            sides = pair if (start + place) % 2 else pair[::-1]
            trials.append(Trial("", kind, "test", photo, *sides))
    return trials


def _shuffled(
    rng: random.Random, trials: list[Trial], fits: Callable[[list[Trial]], bool] = bool
) -> list[Trial]:
    """Draw an order without a photo twice in a row, and that fits; all such are equally likely.

    The ratings take some 400 tries, 2 ms.
    """
    order = list(trials)
    while True:
        rng.shuffle(order)
        if all(a.photo != b.photo for a, b in itertools.pairwise(order)) and fits(order):
            return order


def _repeats_come_late(order: list[Trial]) -> bool:
    first = {trial: place for place, trial in reversed([*enumerate(order)])}
    return all(p == first[t] or p - first[t] >= REPEAT_DISTANCE for p, t in enumerate(order))


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]

"""One person's way through the blind test: which trial is next, and which answers count."""

from demo.blind.pictures import ANCHORS, NO_RIVALS, PHOTOS, Rivals, weights_version
from demo.blind.store import Store, Vote
from demo.blind.trials import Trial, draw_plan, rater_of, remaining

PARTS = ("ratings", "pairs")


class Session:
    """The state of a ticket, as the store has it now; nothing else is kept between requests.

    Args:
        store: Of the votes.
        ticket: Of `new_ticket`, as a browser sends it.
        rivals: Networks in the pairs beside the shipped ones.

    Raises:
        ValueError: It is no ticket, or its votes have been deleted.
        StoreError: The votes cannot be read.
    """

    def __init__(self, store: Store, ticket: str, rivals: Rivals = NO_RIVALS) -> None:
        self._store = store
        self.rater = rater_of(ticket)
        self.weights = weights_version(rivals)
        if self.rater in store.retired():
            raise ValueError("The votes of this ticket have been deleted")
        self.votes: list[Vote] = store.votes(self.rater, self.weights)
        photos = tuple(PHOTOS), tuple(ANCHORS)
        self._plan = draw_plan(self.rater, *photos, self.weights, rivals.names)

    @property
    def calibration(self) -> tuple[Trial, ...]:
        """Nearest-neighbour enlargements and originals, to be shown with the answer."""
        return self._plan.calibration

    def trials(self, part: str) -> tuple[Trial, ...]:
        """Return all trials of a part."""
        return getattr(self._plan, part)

    def current(self, part: str) -> Trial | None:
        """Return the one trial of a part that takes an answer now; None at its end."""
        return next(iter(remaining(self.trials(part), self.votes)), None)

    def done(self, part: str) -> int:
        """Return how many trials of a part are answered."""
        return len(self.trials(part)) - len(remaining(self.trials(part), self.votes))

    def answer(self, trial: Trial, answer: str, seconds: float) -> bool:
        """Save the answer to a trial; returns whether it counts, see `Store.add`.

        Raises:
            ValueError: It is no answer to this trial.
            StoreError: It cannot be saved.
        """
        vote = trial.vote(self.rater, answer, seconds, self.weights)
        counts = self._store.add(vote)
        self.votes = self._store.votes(self.rater, self.weights)
        return counts

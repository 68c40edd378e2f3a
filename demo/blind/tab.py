"""The tab "Blind test": people rate pictures without knowing how they were made."""

import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr

from demo.blind.component import Blind, BlindData
from demo.blind.pictures import NO_RIVALS, Rivals, encode
from demo.blind.report import report
from demo.blind.session import PARTS, Session
from demo.blind.statistics import results
from demo.blind.store import Store, StoreError
from demo.blind.sync import is_configured
from demo.blind.trials import METHODS, new_ticket
from demo.parts.events import LIGHT
from demo.parts.templates import STYLE

FORGETFUL = """**Votes are not kept here for long:** they are lost when this site is started anew. \
Your results at the end of a part are complete all the same."""
BEHIND = "This window was behind: here is your next trial."
AGAIN = "The server could not take that answer. Please give it again."
INVALID = """This cannot be continued, perhaps because the votes were deleted in another window. \
You can start anew."""
# The same words, whatever comes: a longer sentence would be a longer answer.
SECOND_HALF = "A new question from here on: the original is shown, too."


class Shown(NamedTuple):
    """The trial that a window has been sent last, and when: what its clock says is checked."""

    trial: str
    time: float  # time.monotonic [s]


class Updates(NamedTuple):
    """What an event changes, in the order of its outputs."""

    blind: BlindData
    report: Any = ""
    shown: Any = None


class BlindTab:
    """Components and events of the tab, made inside a `gr.Tab`.

    Args:
        store: Where the votes are kept.
        rivals: Networks in the pairs beside the shipped ones.
    """

    def __init__(self, store: Store, rivals: Rivals = NO_RIVALS) -> None:
        self._store, self._rivals = store, rivals
        if not (store.is_lasting or is_configured()):
            gr.Markdown(FORGETFUL, elem_id="blind-forgetful")
        self.blind = Blind(self._start(), elem_id="blind")
        self.report = gr.HTML(css_template=STYLE, elem_id="blind-report")
        self.shown = gr.State()
        for event, act in (
            (self.blind.look, self.look),
            (self.blind.begin, self.begin),
            (self.blind.vote, self.vote),
            (self.blind.erase, self.erase),
        ):
            # Not "once": a person who tries again must not wait for an answer that was lost.
            event(
                _guarded(act, self._start),
                self.shown,
                [self.blind, self.report, self.shown],
                trigger_mode="multiple",
                **LIGHT,
            )

    def look(self, data: dict[str, Any], _: Shown | None) -> Updates:
        """Show the start, with how far the ticket has come."""
        if not data.get("ticket"):
            return Updates(self._start())
        ticket = data["ticket"]
        return Updates(_overview("start", self._session(ticket), ticket, self._rivals))

    def begin(self, data: dict[str, Any], _: Shown | None) -> Updates:
        """Begin a part or go on with it; a browser without a ticket is given one."""
        part, ticket = _part(data), data.get("ticket") or new_ticket()
        session = self._session(ticket)
        if part == PARTS[0] and not session.done(part) and not data.get("calibrated"):
            return Updates(_calibration(session, ticket, self._rivals))
        return self._next(session, ticket, part)

    def vote(self, data: dict[str, Any], shown: Shown | None) -> Updates:
        """Take the answer to the current trial and show the next; else show the current one."""
        now, part, ticket = time.monotonic(), _part(data), data.get("ticket")
        session = self._session(ticket)
        current = session.current(part)
        if current is None or data.get("trial") != current.id:
            return self._next(session, ticket, part, BEHIND)
        if shown is None or shown.trial != current.id:  # the server has been started anew
            return self._next(session, ticket, part, AGAIN)
        try:
            seconds = min(_seconds(data), now - shown.time)
            message = "" if session.answer(current, data.get("answer"), seconds) else BEHIND
        except ValueError:
            message = AGAIN
        return self._next(session, ticket, part, message)

    def erase(self, data: dict[str, Any], _: Shown | None) -> Updates:
        """Delete all votes of a ticket, which is thereby used up."""
        count = self._store.delete(self._session(data.get("ticket")).rater)
        votes = "vote is" if count == 1 else "votes are"
        return Updates(self._start(f"Your {count} {votes} deleted."))

    def _session(self, ticket: str) -> Session:
        return Session(self._store, ticket, self._rivals)

    def _picture(self, photo: str, method: str) -> str:
        return encode(photo, method, self._rivals)

    def _start(self, message: str = "") -> BlindData:
        return _screen("start", message=message, rivals=list(self._rivals.names))

    def _next(self, session: Session, ticket: str, part: str, message: str = "") -> Updates:
        """Show the current trial of a part, or the results at its end."""
        trial = session.current(part)
        if trial is None:
            votes = self._store.votes(weights=session.weights)
            finished = [part for part in PARTS if session.current(part) is None]
            text = report(results(votes, self._rivals.names), session.votes, finished)
            return Updates(_overview("results", session, ticket, self._rivals), text)
        place = session.trials(part).index(trial)
        before = session.trials(part)[place - 1] if place else trial
        if trial.kind != before.kind:
            message = message or SECOND_HALF
        data = _screen(
            "trial",
            message=message,
            ticket=ticket,
            part=part,
            trial=trial.id,
            kind=trial.kind,
            place=place + 1,
            total={part: len(session.trials(part))},
            pictures=[self._picture(trial.photo, m) for m in (trial.left, trial.right) if m],
            reference=self._picture(trial.photo, METHODS[-1]) if trial.kind == "closer" else "",
        )
        return Updates(data, "", Shown(trial.id, time.monotonic()))


def _guarded(
    act: Callable[[dict[str, Any], Shown | None], Updates],
    start: Callable[[str], BlindData],
) -> Callable[[Shown | None, gr.EventData], Updates]:
    """Turn what can go wrong into what the page says."""

    def handle(shown: Shown | None, event: gr.EventData) -> Updates:
        data = event._data if isinstance(event._data, dict) else {}  # noqa: SLF001 - the documented access fails on None
        try:
            return act(data, shown)
        except StoreError as error:
            return Updates(_screen("failure", message=str(error)), gr.skip(), gr.skip())
        except ValueError:
            return Updates(start(INVALID))

    return handle


def _screen(screen: str, **fields: Any) -> BlindData:  # noqa: ANN401
    return BlindData(serial=uuid.uuid4().hex, screen=screen, is_synced=is_configured(), **fields)


def _overview(screen: str, session: Session, ticket: str, rivals: Rivals) -> BlindData:
    return _screen(
        screen,
        ticket=ticket,
        done={part: session.done(part) for part in PARTS},
        total={part: len(session.trials(part)) for part in PARTS},
        rivals=list(rivals.names),
    )


def _calibration(session: Session, ticket: str, rivals: Rivals) -> BlindData:
    trials = session.calibration
    return _screen(
        "calibration",
        ticket=ticket,
        part=PARTS[0],
        pictures=[encode(trial.photo, trial.left, rivals) for trial in trials],
        answers=["1" if trial.left == METHODS[0] else "5" for trial in trials],
    )


def _part(data: dict[str, Any]) -> str:
    if data.get("part") not in PARTS:
        raise ValueError("No part of the test")
    return data["part"]


def _seconds(data: dict[str, Any]) -> float:
    seconds = data.get("seconds")
    if not isinstance(seconds, int | float):
        raise ValueError("No time")
    return seconds

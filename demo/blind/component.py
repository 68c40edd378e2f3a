"""The blind test's component: shows a trial and tells what was answered, after how long.

Its HTML, CSS and JavaScript lie beside it, see `demo.parts.templates`. Nothing that a browser is
sent before an answer tells a method: neither texts, which are the same for all trials of a kind,
nor the pictures, see `demo.blind.pictures`.
"""

from pathlib import Path
from typing import Literal

from gradio.data_classes import GradioModel

from demo.parts.templates import Display


class BlindData(GradioModel):
    """What is on the screen. Pictures are texts of `encode`, from the left."""

    serial: str = ""  # other in every update
    screen: Literal["start", "calibration", "trial", "results", "failure"] = "start"
    message: str = ""
    ticket: str = ""  # what the browser keeps; "" for none; a failure leaves what it has
    done: dict[str, int] = {}  # trials answered by part; only on "start" and "results"
    total: dict[str, int] = {}
    rivals: list[str] = []  # networks in the pairs beside the shipped ones; only on "start"
    is_synced: bool = False  # whether votes are copied to a dataset
    part: str = ""
    trial: str = ""  # its id
    kind: str = ""  # "rating", "real" or "closer"
    place: int = 0  # of the trial in its part, from 1
    pictures: list[str] = []
    answers: list[str] = []  # to the pictures of the calibration
    reference: str = ""  # the original, for "closer"


class Blind(Display):
    """Shows BlindData. What an event carries comes from a client and can be anything.

    Events, all with the `ticket` that the browser keeps: `look` for the start, `begin` with the
    `part` and whether it has been `calibrated`, `vote` with `part`, `trial`, `answer` and
    `seconds`, and `erase`.
    """

    data_model = BlindData
    files = Path(__file__).with_name("blind")
    scripts = ("pictures", "screens", "answers")

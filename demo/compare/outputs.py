"""What an event may change on the tab "Compare"."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr

from demo.engine.scores import Scores
from demo.engine.table import tables
from demo.parts.disk import FULL, FULL_DISK
from demo.viewer.viewer import ComparerData

BROKEN = "Something went wrong on our side. Please try again, or with another photo."
Update = dict[Any, Any]  # value by component; what is not named stays


@dataclass(frozen=True, eq=False)
class Outputs:
    """The components that events change."""

    comparer: Any
    shown: Any  # its value, kept on the server
    today: Any  # score tables in Markdown
    paper: Any
    scores: Any  # by method, kept on the server
    status: Any  # Markdown
    stop: Any  # the button
    placer: Any
    photo: Any  # the drop zone
    source: Any  # path of the photo that is compared, kept on the server
    mode: Any
    dial: Any  # the slider
    seen: Any  # positions of the dial, kept on the server

    @property
    def all(self) -> list[Any]:
        """Every one, for the events."""
        return [getattr(self, field.name) for field in fields(self)]

    def nothing(self) -> Update:
        """Change nothing; Gradio takes no empty update."""
        return {self.status: gr.skip()}

    def comparison(self, panes: ComparerData, scores: Mapping[str, Scores]) -> Update:
        """Show a comparison so far."""
        today, paper = tables(scores)
        tables_ = {self.today: today, self.paper: paper, self.scores: dict(scores)}
        return {self.comparer: panes, self.shown: panes, **tables_}

    def place(self, data: Any = None) -> Update:  # noqa: ANN401
        """Show the placer; without PlacerData hide it, and forget its photo."""
        # A new update each time: Gradio takes it apart.
        return {self.placer: gr.update(value=data, visible=True if data else "hidden")}

    def running(self, is_running: bool) -> Update:
        """Show Stop only while there is something to stop."""
        return {self.stop: gr.update(visible=True if is_running else "hidden")}

    def rest(self, is_ready: bool) -> Update:
        """Turn the dial back; it can be used once a comparison is complete."""
        return {self.dial: gr.update(value=0, interactive=is_ready)}

    def refuse(self, text: str) -> Update:
        """Say why there is no comparison, and empty the drop zone."""
        return {self.status: text, self.photo: None, self.source: None, **self.place()} | (
            self.running(False)
        )


def failed(error: Exception) -> str:
    """Return what a visitor is told of an error that is not theirs."""
    if isinstance(error, gr.Error):  # of a GPU that was not to be had: written for visitors
        return f"{error.title}. {error.message!s}"
    return FULL if isinstance(error, OSError) and error.errno in FULL_DISK else BROKEN

"""What an event may change on the tab "Compare"."""

from typing import Any, NamedTuple

import gradio as gr

from demo.parts.disk import FULL, FULL_DISK

UNCHANGED = gr.skip()
BROKEN = "Something went wrong on our side. Please try again, or with another photo."


class Updates(NamedTuple):
    """New values of the page's components, in the order of the events' outputs."""

    panes: Any = UNCHANGED  # ComparerData
    shown: Any = UNCHANGED  # the same, kept on the server for Stop
    today: Any = UNCHANGED  # score tables in Markdown
    paper: Any = UNCHANGED
    status: Any = UNCHANGED  # Markdown
    placer: Any = UNCHANGED
    photo: Any = UNCHANGED  # the drop zone
    source: Any = UNCHANGED  # path of the photo that is compared, kept on the server
    mode: Any = UNCHANGED
    scores: Any = UNCHANGED  # by method, kept on the server
    dial: Any = UNCHANGED  # the slider
    seen: Any = UNCHANGED  # positions of the dial, kept on the server


def hidden() -> Any:  # noqa: ANN401 - Gradio's update is untyped
    """Hide the placer and forget its photo; a new update each time, for Gradio takes it apart."""
    return gr.update(value=None, visible="hidden")


def rest(is_ready: bool) -> Any:  # noqa: ANN401
    """Turn the dial back; it can be used once a comparison is complete."""
    return gr.update(value=0, interactive=is_ready)


def failed(error: Exception) -> str:
    """Return what a visitor is told of an error that is not theirs."""
    if isinstance(error, gr.Error):  # of a GPU that was not to be had: written for visitors
        return f"{error.title}. {error.message!s}"
    return FULL if isinstance(error, OSError) and error.errno in FULL_DISK else BROKEN

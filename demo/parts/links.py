"""Links in the place of files: none is followed."""

from pathlib import Path

import gradio as gr


def refuse_link(path: str | Path | None) -> None:
    """Refuse a link, which Gradio would download whole and without a limit.

    Raises:
        gr.Error: The path is one.
    """
    if str(path).lower().startswith(("http:", "https:")):
        raise gr.Error("Links are not accepted: upload the file.", print_exception=False)

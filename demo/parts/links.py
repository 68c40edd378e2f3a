"""What comes in the place of an uploaded file: nothing else is taken, no link is followed."""

from pathlib import Path

import gradio as gr

NOT_UPLOADED = (
    "Send an uploaded file: links, base64 and paths are not taken. In Python write "
    'handle_file("photo.jpg"); elsewhere send the file to gradio_api/upload first, and here the '
    "path that it returns, as docs/api.md shows."
)


def refuse_link(path: str | Path | None) -> None:
    """Refuse a link, which Gradio would download whole and without a limit.

    Raises:
        gr.Error: The path is one.
    """
    if str(path).lower().startswith(("http:", "https:")):
        raise gr.Error(NOT_UPLOADED, print_exception=False)

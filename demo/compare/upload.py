"""The drop zone: Gradio's image box, which hands over the untouched file after checking it."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

from demo.engine.examples import EXAMPLES
from demo.parts.links import NOT_UPLOADED, refuse_link

# For a page's `load`.
SCRIPT = f"() => {{\n{Path(__file__).with_suffix('.js').read_text('utf-8')}}}"


PHOTO = (
    'An uploaded file: in Python handle_file("photo.jpg"), elsewhere the path that '
    "gradio_api/upload returned. Its content counts, not its name. No link, no base64."
)


class UploadImage(gr.Image):
    """An image box whose function gets the path of the file as it was uploaded.

    Gradio 6.31 does not check where the path of an image payload lies, so a request made by hand
    could open any picture on the server; and it would decode the file itself, with other rules
    than `srgan.reading`. Here only uploads and our own examples pass, links are never followed, and
    nothing is decoded.
    """

    is_template = True  # keep the browser side of gr.Image

    def preprocess(self, payload: ImageData | None) -> str | None:
        """Return the file's path, or None for an empty box.

        Raises:
            gr.Error: The path is not an upload's or an example's.
        """
        if payload is None:
            return None
        path = Path(payload.path or "")
        uploads = Path(self.GRADIO_CACHE)
        allowed = [folder.resolve() for folder in (uploads, EXAMPLES)]
        if not (path.is_absolute() and any(path.resolve().is_relative_to(a) for a in allowed)):
            raise gr.Error(NOT_UPLOADED, print_exception=False)
        return str(path)

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str:
        """Refuse links; take files as Gradio does."""
        refuse_link(url_or_file_path)
        return await super().async_move_resource_to_block_cache(url_or_file_path)

    def api_info(self) -> dict[str, Any]:
        """Describe to API clients what is taken: an uploaded file."""
        meta = {"type": "object", "default": {"_type": "gradio.FileData"}}
        path = {"type": "string", "description": "What gradio_api/upload has returned"}
        return {
            "title": "Photo",
            "type": "object",
            "properties": {"path": path, "meta": meta},
            "required": ["path", "meta"],
            "additional_description": PHOTO,
        }

    def example_payload(self) -> dict[str, Any]:
        """Return what the documentation of the API shows: a local file, as links are refused."""
        return {"path": "photo.jpg", "url": "photo.jpg", "meta": {"_type": "gradio.FileData"}}

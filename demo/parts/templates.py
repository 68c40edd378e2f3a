"""The files of our own components: HTML, CSS and JavaScript beside their Python.

They are constants: Gradio runs HTML and CSS through a template engine that executes what it finds,
so whatever differs reaches the page only as data, which the JavaScript shows as text.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from demo.parts.links import refuse_link

STYLE = Path(__file__).with_name("component.css").read_text("utf-8")  # of every component


class Display(gr.HTML):
    """A component that shows data and is no input.

    Attributes:
        data_model: What it shows; Gradio adds the address of each file in it.
        files: Path of its HTML, CSS and JavaScript, without their endings.
        scripts: Names of several JavaScript files beside them, joined in this order, in the place
            of one.
    """

    files: Path
    scripts: Sequence[str] = ()

    def __init__(self, value: Any = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Take gr.HTML's keyword arguments, such as elem_id and visible."""

        def read(name: str) -> str:
            return self.files.with_name(name).read_text("utf-8")

        name = self.files.name
        super().__init__(
            value=value,
            html_template=read(f"{name}.html"),
            css_template=STYLE + read(f"{name}.css"),
            js_on_load="\n".join(read(f"{script}.js") for script in self.scripts or [name]),
            apply_default_css=False,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> None:  # noqa: ANN401
        """Drop what a client sends: it may name any cached file."""

    async def async_move_resource_to_block_cache(
        self, url_or_file_path: str | Path | None
    ) -> str | None:
        """Refuse links; take files as Gradio does, before preprocess is asked."""
        refuse_link(url_or_file_path)
        return await super().async_move_resource_to_block_cache(url_or_file_path)

    def postprocess(self, value: Any) -> Any:  # noqa: ANN401
        """Pass the data on."""
        return value


def page_script(file: Path) -> str:
    """Return the `js` of a page's `load` that runs a file beside the page's other scripts."""
    return f"() => {{\n{file.read_text('utf-8')}}}"

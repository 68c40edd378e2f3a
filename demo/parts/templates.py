"""The files of our own components: HTML, CSS and JavaScript beside their Python.

They are constants: Gradio runs HTML and CSS through a template engine that executes what it finds,
so whatever differs reaches the page only as data, which the JavaScript shows as text.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def templates(folder: Path, name: str, scripts: Sequence[str] = ()) -> dict[str, Any]:
    """Return gr.HTML's keyword arguments for name.html, name.css and the JavaScript of a folder.

    Args:
        folder: Where they lie.
        name: Of the files.
        scripts: Names of several JavaScript files, joined in this order, in the place of name.js.
    """

    def read(file: str) -> str:
        return (folder / file).read_text("utf-8")

    return {
        "html_template": read(f"{name}.html"),
        "css_template": read(f"{name}.css"),
        "js_on_load": "\n".join(read(f"{script}.js") for script in scripts or [name]),
        "apply_default_css": False,
    }


def page_script(file: Path) -> str:
    """Return the `js` of a page's `load` that runs a file beside the page's other scripts."""
    return f"() => {{\n{file.read_text('utf-8')}}}"

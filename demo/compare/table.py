"""The table of a visitor's set, and what they take home of it.

set_table.html, set_table.css and set_table.js lie beside this file, see `demo.parts.templates`.
"""

import uuid
from collections.abc import Mapping
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.data_classes import GradioModel

from demo.analysis.export import SET_README, no_formula, write_archive
from demo.analysis.panel import draw_region
from demo.analysis.region import Region, parse_region
from demo.compare.sets import Visit
from demo.compare.strip import photo_panes
from demo.engine.examples import weights_digests
from demo.engine.photo_set import Photo, PhotoSet
from demo.engine.set_table import (
    GROUPS,
    SetTable,
    Values,
    number,
    set_csv,
    set_json,
    set_markdown,
    set_table,
)
from demo.engine.sets import Sets
from demo.engine.table import Protocol, heading
from demo.parts.disk import FULL, FULL_DISK
from demo.parts.templates import Display
from srgan.images import Image, ImageError, write_png
from srgan.reading import read_image

NOTHING = "No photo of the set is done yet."
PUBLISHED = "Published (paper's protocol)"


class Measure(GradioModel):
    """What a group of columns has."""

    key: str
    title: str
    group: str  # "today", "paper" or "" where the protocol makes no difference


class Row(GradioModel):
    """A line of the table."""

    name: str
    cells: dict[str, str]  # by measure and method: "psnr_today SRGAN"


class TableData(GradioModel):
    """Everything the table shows."""

    title: str = ""
    note: str = ""
    methods: list[str] = []
    measures: list[Measure] = []
    mean: Row | None = None
    published: Row | None = None
    rows: list[Row] = []
    regions: int = 0  # photos on which one is marked


class Table(Display):
    """Shows TableData; its event `save` names a `file`: "csv", "json", "md", "zip" or "figure"."""

    data_model = TableData
    files = Path(__file__).with_name("set_table")


class TableHandlers:
    """The event handlers of the table.

    Args:
        sets: Of all visitors.
        methods: Names in the order of the panes.
        weights: sha256 of the methods' weights by file name; None for the shipped ones.
    """

    def __init__(
        self, sets: Sets, methods: list[str], weights: Mapping[str, str] | None = None
    ) -> None:
        self._sets, self._methods = sets, methods
        self._weights = weights_digests() if weights is None else weights

    def show(self, visit: Visit) -> TableData:
        """Return the table of the photos that are done."""
        photo_set = self._sets.find(visit.token)
        table = set_table(photo_set.photos) if photo_set else None
        if table is None:
            return TableData()
        return TableData(
            title=f"{table.known or 'Your set'}: {len(table.rows)} photos",
            note=_note(table),
            methods=table.methods,
            measures=[Measure(key=m, title=heading(m), group=GROUPS.get(m, ""))
                      for m in table.measures],
            mean=_row("Mean", table.mean),
            published=_row(PUBLISHED, _in_both(table.published)) if table.published else None,
            rows=[_row(name, values) for name, values in table.rows.items()],
            regions=sum(photo.region is not None for photo in photo_set.photos),
        )  # fmt: skip

    def mark(self, visit: Visit, event: gr.EventData) -> None:
        """Keep the region that was marked on a photo of the set, for the figure."""
        data = event._data if isinstance(event._data, dict) else {}  # noqa: SLF001 - any JSON
        photo_set = self._sets.find(visit.token)
        photo = photo_set and photo_set.find(data.get("id"))
        if not photo:
            return
        try:
            region = parse_region(data.get("region"), photo.size[1], photo.size[0])
        except ValueError:
            region = None  # it was cleared; what is wrong is said where the region is scored
        photo.region = region and tuple(region)
        photo_set.change()

    def save(self, protocol: Protocol, visit: Visit, event: gr.EventData) -> str:
        """Write what was asked for; returns its path.

        Raises:
            gr.Error: There is nothing to write, or it cannot be written.
        """
        data = event._data if isinstance(event._data, dict) else {}  # noqa: SLF001 - any JSON
        photo_set, kind = self._sets.find(visit.token), data.get("file")
        table = set_table(photo_set.photos) if photo_set else None
        if table is None or kind not in ("csv", "json", "md", "zip", "figure"):
            raise gr.Error(NOTHING, print_exception=False)
        name = (table.known or "set").lower()
        folder = photo_set.folder / "files"
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            if kind == "figure":
                return self._figure(photo_set, protocol, folder)
            if kind == "zip":
                return self._zip(photo_set, table, folder / f"{name}_x4.zip")
            path = folder / f"{name}_scores.{kind}"
            path.write_text(self._texts(table)[kind], "utf-8")
        except OSError as error:
            problem = FULL if error.errno in FULL_DISK else "A picture is no longer kept."
            raise gr.Error(problem, print_exception=False) from None
        return str(path)

    def _texts(self, table: SetTable) -> dict[str, str]:
        return {
            "csv": set_csv(table, no_formula),
            "json": set_json(table, self._weights),
            "md": set_markdown(table),
        }

    def _zip(self, photo_set: PhotoSet, table: SetTable, path: Path) -> str:
        pictures = [
            (pane.file.orig_name, pane.file.path)
            for photo in photo_set.photos
            if photo.state == "done"
            for pane in photo_panes(photo, self._methods).ready
        ]
        texts = {f"table.{ending}": text for ending, text in self._texts(table).items()}
        fields = {"methods": ", ".join(table.methods)}
        write_archive(path, pictures, texts, SET_README, self._weights, fields)
        return str(path)

    def _figure(self, photo_set: PhotoSet, protocol: Protocol, folder: Path) -> str:
        marked = [p for p in photo_set.photos if p.region and p.state == "done"]
        if not marked:
            raise gr.Error(
                "Mark a region on a photo first, on others too if you like.", print_exception=False
            )
        try:
            rows = [self._figure_row(photo, protocol) for photo in marked]
        except ImageError:
            raise gr.Error("A picture is no longer kept.", print_exception=False) from None
        width = max(row.shape[1] for row in rows)
        fill = {"mode": "constant", "constant_values": 255}
        wide = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), **fill) for row in rows]
        path = folder / f"regions_{uuid.uuid4().hex[:8]}.png"
        write_png(np.concatenate(wide), path)
        return str(path)

    def _figure_row(self, photo: Photo, protocol: Protocol) -> Image:
        panes = photo_panes(photo, self._methods).ready
        images = {pane.key: read_image(pane.file.path) for pane in panes}
        region = Region(*photo.region)
        return draw_region(panes, images, self._methods, region, photo.stem, protocol)[0]


def _row(name: str, values: Values) -> Row:
    cells = {
        f"{key} {method}": number(value, key)
        for method, measured in values.items()
        for key, value in measured.items()
    }
    return Row(name=name, cells=cells)


def _in_both(published: Values) -> Values:
    """What was published, beside the means of either protocol; its row says which it is in."""
    return {
        method: {**values, "psnr_today": values["psnr_paper"], "ssim_today": values["ssim_paper"]}
        for method, values in published.items()
    }


def _note(table: SetTable) -> str:
    said = [
        f"{method} restores {', '.join(names)} exactly: left out of the means of what is infinite "
        "there."
        for method, names in table.exact.items()
    ]
    if table.published:
        said.append(
            "Published: Ledig et al. 2017, Table 2. It is in the paper's protocol, which these "
            "means have under “The paper's protocol”; never compare numbers of the two."
        )
    return " ".join(said)

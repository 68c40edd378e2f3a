"""What the plots of the page are drawn with: SVG and tables, and how a method looks in them."""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

Place = tuple[float, float]  # in a plot: pixels from the left, from the top

ORIGINAL = "Original"


class Style(NamedTuple):
    """How a method looks in every plot: told apart by colour, by shape and by its name."""

    colour: str
    marker: str  # SVG path around (0, 0)
    dashes: str = "none"


# Each at least 3:1 against Gradio's light and dark grounds, and within that band of lightness as
# far apart as a random search found in protanopia, deuteranopia and tritanopia.
STYLES = {
    "Nearest": Style("#7a838a", "M-5-5h10v10h-10z", "2 3"),
    "Bicubic": Style("#ae775a", "M0-7 7 0 0 7-7 0z", "8 3"),
    "SRResNet": Style("#2091d3", "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z"),
    "SRGAN": Style("#ef1e0b", "M0-7 7 5h-14z", "10 3 2 3"),
    ORIGINAL: Style("currentColor", "M0-8 2-2.5h6l-5 3.5 2 6-5-3.7-5 3.7 2-6-5-3.5h6z"),
}
OTHER = Style("#b835fc", "M-2-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z", "4 2")  # the dial, too
# Of methods that were added, in turn.
ADDED = (
    Style("#408910", "M-5.5-5.5h11l-5.5 11z", "12 4"),
    Style("#e0268f", "M-7 0l3.5-6h7l3.5 6-3.5 6h-7z", "6 2 2 2"),
    Style("#00918a", "M-6-4l2-2 4 4 4-4 2 2-4 4 4 4-2 2-4-4-4 4-2-2 4-4z", "2 2"),
    Style("#9a7d0a", "M-3.5-7v14h7v-14z", "14 3 2 3 2 3"),
)
HALO = "paint-order:stroke;stroke:var(--body-background-fill);stroke-width:3px"  # lines end at text


def styles(methods: Iterable[str]) -> dict[str, Style]:
    """Return how methods look, by name: each its own way, as far as there are ways."""
    found: dict[str, Style] = {}
    added = itertools.cycle(ADDED)
    for method in methods:
        known = OTHER if method.startswith("Dial") else STYLES.get(method)
        found[method] = known or next(added)
    return found


class Axis(NamedTuple):
    """One direction of a plot: a range of values and the pixels that it covers."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return the round values in the range, at most seven."""
        rough = (self.high - self.low) / 6
        unit = 10 ** math.floor(math.log10(rough))
        step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(i * step, 6) for i in range(first, last + 1)]


def write_text(svg: Element, place: Place, text: str, anchor: str = "start") -> None:
    """Write into a plot, on a halo of the ground's colour."""
    x, y = place
    at = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    SubElement(svg, "text", at, style=HALO).text = text


def draw_path(
    svg: Element,
    places: Sequence[Place],
    colour: str = "currentColor",
    dashes: str = "none",
    width: float = 2,
) -> None:
    """Draw a line through places."""
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    style = {"stroke": colour, "stroke-dasharray": dashes, "stroke-width": f"{width}"}
    SubElement(svg, "polyline", {"points": points, "fill": "none", **style})


def write_table(
    box: Element, head: Sequence[str], rows: Sequence[Sequence[str]], style: str, cell: str
) -> None:
    """Write a table whose first column names the rows.

    Args:
        box: Where it stands, at the end.
        head: Its first row.
        rows: The others.
        style: CSS of the table.
        cell: CSS of every cell.
    """
    table = SubElement(box, "table", style=style)
    for row in (head, *rows):
        line = SubElement(table, "tr")
        for column, text in enumerate(row):
            scope = "col" if row is head else "row" if column == 0 else ""
            place = SubElement(line, "th", scope=scope) if scope else SubElement(line, "td")
            place.text = text
            place.set("style", cell)

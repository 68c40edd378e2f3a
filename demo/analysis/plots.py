"""Why numbers and eyes disagree, in two plots: PSNR against detail, and the power spectrum.

Drawn here as SVG: Gradio 6.31's native plots can neither name a point nor join some of them, cut
the legend off on a phone, and tell a screen reader nothing but the ticks of the axes. A value is
HTML for a plain `gr.HTML`, made of numbers and the names of methods.
"""

import math
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
from numpy.typing import NDArray

from demo.engine.scores import Scores
from demo.engine.table import number
from demo.parts.drawing import (
    ORIGINAL,
    OTHER,
    Axis,
    Place,
    draw_path,
    styles,
    write_table,
    write_text,
)
from srgan.images import SCALE, Image
from srgan.spectrum import MIN_SPECTRUM_SIDE, radial_power

Curve = NDArray[np.float64]

NYQUIST = 0.5 / SCALE  # of the small image [cycles per pixel of the large one]
READ_AT = [0.125, 0.25, 0.375, 0.5]  # the spectrum in numbers [cycles per pixel]
WIDTH, HEIGHT = 360, 290
LEFT, TOP, BOTTOM = 34, 28, 248  # of both plots' frame
LETTER = 7  # width of a usual letter
LONGEST = 18  # letters of a name

QUALITY = """Further right is closer to the original's pixels, further up is more fine detail, \
right or wrong. The original itself has both: all of the detail and infinite PSNR."""
SPECTRUM = """Left of the dashed line is what the small image knew; what is right of it, a method \
had to invent. A curve below the original's is soft there, one above it has too much."""
NO_DETAIL = "This plot compares with an original that has fine detail; here is none."
TOO_SMALL = f"The spectrum needs pictures of at least {MIN_SPECTRUM_SIDE} pixels on both sides."


STEP = "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z"  # a position of the dial


def perception_distortion(
    scores: Mapping[str, Scores], dial: Sequence[tuple[float, float, float]] = ()
) -> str:
    """Plot every method's PSNR (today's protocol) against its detail; returns HTML.

    Args:
        scores: Of the whole image, by method, perhaps with "Nearest" and one position of the dial,
            such as "Dial 0.3". The original is added.
        dial: Known positions of the dial: share of SRGAN, PSNR [dB], detail [%].
    """
    points = {
        method: (s.today.psnr, s.detail)
        for method, s in scores.items()
        if s.today is not None and not math.isnan(s.detail)
    }
    if not points:
        return _sentence(NO_DETAIL)
    steps = {f"Dial {share:g}": (psnr, percent) for share, psnr, percent in sorted(dial)}
    svg = _quality_plot(points, steps)
    best = max(points, key=lambda method: points[method][0])
    nearest = min(points, key=lambda method: abs(points[method][1] - 100))
    svg.set(
        "aria-label",
        f"PSNR against detail. Closest to the original's pixels: {best}, "
        f"{number(points[best][0], 2)} dB. Closest to its amount of detail: {nearest}, "
        f"{points[nearest][1]:.0f} %.",
    )
    everything = points | steps | {ORIGINAL: (math.inf, 100)}
    rows = [(name, number(p, 2), number(d, 0)) for name, (p, d) in everything.items()]
    return _figure(svg, QUALITY, ("Method", "PSNR [dB]", "Detail [%]"), rows)


def spectra(images: Mapping[str, Image]) -> dict[str, tuple[Curve, Curve]]:
    """Measure what `power_spectrum` draws, by method; nothing of pictures that are too small."""
    return {
        method: radial_power(image)
        for method, image in images.items()
        if min(image.shape[:2]) >= MIN_SPECTRUM_SIDE
    }


def power_spectrum(curves: Mapping[str, tuple[Curve, Curve]]) -> str:
    """Plot how much each method and the original have at every frequency; returns HTML.

    Args:
        curves: By method, the original's under "Original": frequencies [cycles per pixel] and
            power [dB], as `srgan.spectrum.radial_power` returns them.
    """
    if not curves:
        return _sentence(TOO_SMALL)
    powers = np.concatenate([power for _, power in curves.values()])
    names = {method: _short(method) for method in curves}
    room = max(66, *(LETTER * len(name) for name in names.values()))  # beside the lines
    x = Axis(0, 0.5, LEFT, WIDTH - 16 - room)
    y = Axis(
        10 * math.floor(powers.min() / 10), 10 * math.floor(powers.max() / 10) + 10, BOTTOM, TOP
    )
    svg = _frame(x, y, "Frequency [cycles per pixel]", "Power [dB]")
    draw_path(svg, [(x(NYQUIST), TOP), (x(NYQUIST), BOTTOM)], dashes="5 4", width=1.5)
    write_text(svg, (x(NYQUIST) + 5, TOP + 12), "Nyquist of the small image")
    ends, looks = {}, styles(curves)
    for method, curve in curves.items():
        style = looks[method]
        line = [(x(f), y(power)) for f, power in zip(*curve, strict=True)]
        draw_path(svg, line, style.colour, style.dashes)
        ends[method] = line[-1]
    for method, height in _spread({name: end[1] for name, end in ends.items()}).items():
        draw_path(svg, [ends[method], (WIDTH - 4 - room, height)], looks[method].colour, width=1)
        write_text(svg, (WIDTH - room, height + 4.5), names[method])
    table = {
        method: [f"{power[np.abs(frequencies - at).argmin()]:.0f}" for at in READ_AT]
        for method, (frequencies, power) in curves.items()
    }
    said = ", ".join(f"{method} {row[READ_AT.index(0.25)]} dB" for method, row in table.items())
    svg.set(
        "aria-label", f"Power spectrum. At 0.25 cycles per pixel, beyond the small image: {said}."
    )
    head = ("dB at", *map(str, READ_AT))
    return _figure(svg, SPECTRUM, head, [(method, *row) for method, row in table.items()])


def _quality_plot(points: Mapping[str, Place], steps: Mapping[str, Place]) -> Element:
    """Draw (PSNR, detail) of methods and of the dial's positions."""
    psnrs, details = zip(*points.values(), *steps.values(), strict=True)
    finite = [psnr for psnr in psnrs if math.isfinite(psnr)] or [30]
    room = max(0.15 * (max(finite) - min(finite)), 0.5)
    x = Axis(min(finite) - room, max(finite) + room, LEFT, WIDTH - 70)
    y = Axis(0, max(115, 1.15 * max(details)), BOTTOM, TOP)
    infinite = WIDTH - 30

    def place(psnr: float, percent: float) -> Place:
        return (x(psnr) if math.isfinite(psnr) else infinite), y(percent)

    svg = _frame(x, y, "PSNR [dB], today's protocol", "Detail [% of the original's]")
    draw_path(svg, [(LEFT, y(100)), (WIDTH, y(100))], dashes="5 4", width=1)
    write_text(svg, (infinite, BOTTOM + 17), "∞", "middle")
    path = [place(*step) for step in steps.values()]
    draw_path(svg, path, OTHER.colour, OTHER.dashes)
    for name, step in zip(steps, path, strict=True):
        if name not in points:
            _marker(svg, step, OTHER.colour, STEP, name)
    places = {method: place(*point) for method, point in points.items()}
    places[ORIGINAL] = place(math.inf, 100)
    looks = styles(places)
    for method, point in places.items():
        style = looks[method]
        _marker(svg, point, style.colour, style.marker, method)
    if path and not points.keys() & steps.keys():
        places["dial"] = path[len(path) // 2]
    _name(svg, places, path)
    return svg


def _frame(x: Axis, y: Axis, x_title: str, y_title: str) -> Element:
    """Start a plot: its two axes with their ticks and titles."""
    style = f"display:block;width:100%;max-width:{1.35 * WIDTH:.0f}px;height:auto;font-size:13px"
    box = f"0 0 {WIDTH} {HEIGHT}"
    svg = Element("svg", viewBox=box, role="img", style=style, fill="currentColor")
    for tick in x.ticks():
        draw_path(svg, [(x(tick), TOP), (x(tick), BOTTOM)], width=0.2)
        write_text(svg, (x(tick), BOTTOM + 17), f"{tick:g}", "middle")
    for tick in y.ticks():
        draw_path(svg, [(x.start, y(tick)), (x.end, y(tick))], width=0.2)
        label = f"{tick:g}" if abs(tick) < 1000 else f"{tick / 1000:g}k"
        write_text(svg, (x.start - 6, y(tick) + 4.5), label, "end")
    write_text(svg, ((x.start + x.end) / 2, BOTTOM + 36), x_title, "middle")
    write_text(svg, (0, 13), y_title)
    return svg


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _marker(svg: Element, place: Place, colour: str, shape: str, name: str) -> None:
    x, y = place
    move = f"translate({x:.1f} {y:.1f})"
    SubElement(SubElement(svg, "path", d=shape, fill=colour, transform=move), "title").text = name


def _name(svg: Element, places: Mapping[str, Place], dots: Sequence[Place]) -> None:
    """Write each name beside its place, if possible where it hides no marker, dot or other name."""
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y in places.values()]
    taken += [(x - 3, y - 3, x + 3, y + 3) for x, y in dots]
    for name, (x, y) in places.items():
        width = LETTER * len(_short(name))
        right, middle, left = x + 10, x - width / 2, x - 10 - width
        spots = [(right, y + 4.5), (left, y + 4.5), (middle, y - 11), (middle, y + 20)]
        spots += [(right - 3, y - 8), (left + 3, y + 17), (right - 3, y + 17), (left + 3, y - 8)]
        boxes = [(start, base - 11, start + width, base + 3) for start, base in spots]
        free = [
            box
            for box in boxes
            if box[0] >= LEFT and box[2] <= WIDTH and not any(_meet(box, other) for other in taken)
        ]
        box = (free or boxes)[0]
        taken.append(box)
        write_text(svg, (box[0], box[3] - 3), _short(name))


def _meet(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether two boxes, left, top, right, bottom, overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _spread(heights: Mapping[str, float], gap: float = 15) -> dict[str, float]:
    """Move names apart that lie closer than a gap, in their order and not below the plot."""
    names = sorted(heights, key=lambda name: -heights[name])
    spread, below = {}, BOTTOM + gap
    for name in names:  # from the bottom up
        below = spread[name] = min(heights[name], below - gap)
    return spread


def _figure(svg: Element, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Finish a plot: what it says under it, and its numbers as a table behind a click."""
    figure = Element("figure", style="margin:0")
    figure.append(svg)
    SubElement(figure, "figcaption").text = caption
    details = SubElement(figure, "details")
    SubElement(details, "summary").text = "Numbers"
    write_table(details, head, rows, "font-variant-numeric:tabular-nums", "padding:2px 6px")
    return tostring(figure, "unicode", short_empty_elements=False)


def _sentence(text: str) -> str:
    return f"<p>{text}</p>"

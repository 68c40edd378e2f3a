"""The results of the blind test as HTML: what the person said, what all say, and the paper.

Made of numbers and the names of methods, for a plain `gr.HTML`. The plot is drawn in the way of
`demo.analysis.plots`, for the reasons given there.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

from demo.blind.statistics import MIN_RATERS, PAPER_MOS, Opinion, Statistics, WinRate
from demo.blind.store import Vote
from demo.blind.trials import METHODS
from demo.parts.drawing import STYLES, Axis, draw_path, write_table, write_text

SCALE = ("bad", "poor", "fair", "good", "excellent")
SET = "BSD100"  # of the paper's sets the one with most photos
WIDTH, HEIGHT = 460, 300
LEFT, TOP, BOTTOM = 82, 16, 256  # of the plot's frame
CELL = 40  # width
TO = "\u2060–\u2060"  # no line ends within a range

RATINGS_LESSON = """SRResNet is trained to be as close as possible to the original's pixels, so \
where the small picture leaves several answers open it paints their average. SRGAN is trained to \
look like a photo, so it settles on one. No method can be best at both: that is the tradeoff of \
perception and distortion (Blau & Michaeli, CVPR 2018), and PSNR sees only one side of it."""
PAIRS_LESSON = """You were asked two questions about the same pictures. What looks most like a \
photo need not be what is closest to this photo: that is the tradeoff of perception and distortion \
(Blau & Michaeli, CVPR 2018)."""
QUESTIONS = {"real": "Looks more like a real photo", "closer": "Is closer to the original"}
CAPTION = f"""How many percent of the votes a method got for each step of the scale, as in the \
paper's Figure 5. Beside them the mean, with its 95 % confidence interval over people and photos. \
Rings, and the table's last column: the paper's means on {SET}, of 26 people."""
EXCLUDED = """Your answers do not count among those of all people: they came too quickly, or one \
of them preferred a nearest-neighbour enlargement to an untouched photo."""
METHOD_NOTE = f"""Answers count even of an unfinished run; not those within 0.7 seconds, and none \
of a rater who preferred a nearest-neighbour enlargement to an original outside the test. The \
intervals of means come from a bootstrap over raters and photos; those of shares are Wilson's and \
take all votes for independent. Nothing is claimed about fewer than {MIN_RATERS} people. Four \
photos and whoever comes by: this is a demonstration, no study."""


def report(found: Statistics, own: Iterable[Vote], parts: Collection[str]) -> str:
    """Return the results of the parts that the person has finished.

    Args:
        found: Of all votes.
        own: All votes of the person.
        parts: "ratings", "pairs" or both.
    """
    own = list(own)
    counted = {vote.rater for vote in found.screened.votes}
    is_excluded = not any(vote.rater in counted for vote in own)
    own = [vote for vote in own if vote.role == "test"]
    box = Element("div", style="max-width:1040px;margin:0 auto")
    if is_excluded:
        _text(box, "p", EXCLUDED)
    if "ratings" in parts:
        _ratings(box, found, own)
    if "pairs" in parts:
        _pairs(box, found.win_rates, own)
    details = SubElement(box, "details")
    _text(details, "summary", "Tests, reliability, and what counts")
    if "ratings" in parts:
        _tests(details, found)
    screened = found.screened
    left_out = f"Left out: {_count(screened.quick, 'quick vote')} and all votes of "
    left_out += f"{_count(screened.excluded, 'rater')}."
    _text(details, "p", f"{METHOD_NOTE} {left_out}")
    return tostring(box, "unicode", short_empty_elements=False)


def _ratings(box: Element, found: Statistics, own: Sequence[Vote]) -> None:
    """Mean opinion scores: the person's, everybody's and the paper's."""
    mine = defaultdict(list)
    for vote in own:
        if vote.kind == "rating":
            mine[vote.left].append(int(vote.answer))
    raters = max(opinion.raters for opinion in found.opinions)
    _text(box, "h3", f"Mean opinion scores of {_people(raters)}")
    if raters < MIN_RATERS:
        _text(box, "p", _too_few(raters) + " Your own ratings stand beside the paper's.")
    _text(box, "p", RATINGS_LESSON)
    rows = [
        (
            opinion.method,
            f"{np.mean(mine[opinion.method]):.2f}" if mine[opinion.method] else "–",
            _interval(opinion),
            str(opinion.votes),
            f"{PAPER_MOS[SET][opinion.method]:.2f}",
        )
        for opinion in found.opinions
    ]
    _table(box, ("Method", "You", "All (95 %)", "Votes", "Paper"), rows)
    if any(opinion.votes for opinion in found.opinions):
        figure = SubElement(box, "figure", style="margin:12px 0")
        figure.append(_distribution(found.opinions))
        _text(figure, "figcaption", CAPTION)


def _pairs(box: Element, rates: Sequence[WinRate], own: Sequence[Vote]) -> None:
    """How often the first of two was chosen, for both questions."""
    mine = Counter()
    for vote in own:
        chosen = {"left": vote.left, "right": vote.right}.get(vote.answer)
        mine[vote.kind, frozenset((vote.left, vote.right)), chosen] += 1
    raters = max(rate.raters for rate in rates)
    _text(box, "h3", f"Two at a time: the choices of {_people(raters)}")
    if raters < MIN_RATERS:
        _text(box, "p", _too_few(raters))
    _text(box, "p", PAIRS_LESSON)
    for kind, question in QUESTIONS.items():
        rows = [_pair(rate, mine) for rate in rates if rate.kind == kind]
        _text(box, "h4", question)
        _table(box, ("Pair", "You", "All (95 %)", "Votes"), rows)
    _text(box, "p", "Votes are for the first : for the second, and in brackets for no difference.")


def _pair(rate: WinRate, mine: Mapping[tuple[str, frozenset[str], str | None], int]) -> list[str]:
    """A row for two methods, the one that comes later in METHODS first."""
    pair = frozenset((rate.first, rate.second))
    yours = [mine[rate.kind, pair, method] for method in (rate.second, rate.first, None)]
    share = "–"
    if rate.rate is not None:
        numbers = [100 * (1 - value) for value in (rate.rate, rate.high, rate.low)]
        share = "{:.0f}\xa0% ({:.0f}{}{:.0f})".format(*numbers[:2], TO, numbers[2])
    votes = (rate.losses, rate.wins, rate.same)
    counts = ["{}\xa0:\xa0{} ({})".format(*numbers) for numbers in (yours, votes)]
    return [f"{rate.second} over {rate.first}", counts[0], share, counts[1]]


def _tests(box: Element, found: Statistics) -> None:
    rows = [(m, *(f"{scores[m]:.2f}" for scores in PAPER_MOS.values())) for m in METHODS]
    _table(box, ("The paper's means", *PAPER_MOS), rows)
    known = [d for d in found.differences if d.p is not None]
    if known:
        rows = [
            (f"{d.second} − {d.first}", f"{-d.mean:+.2f}", _probability(d.p), str(d.raters))
            for d in known
        ]
        _table(box, ("Difference of ratings", "Mean", "p", "People"), rows)
        _text(box, "p", "Paired Wilcoxon signed-rank test over people, two-sided, Holm-corrected.")
    again = found.reliability
    if again.equal is None:
        _text(box, "p", f"Repeated pictures: {again.repeats} so far, not enough votes yet.")
    else:
        _text(
            box,
            "p",
            f"Of {again.repeats} pictures rated twice, {again.equal:.0%} got the same rating again "
            f"and {again.within_one:.0%} one at most a step away; the difference has a standard "
            f"deviation of {again.deviation:.2f}.",
        )


def _distribution(opinions: Sequence[Opinion]) -> Element:
    """Plot the shares of the five steps, the mean and the paper's mean of every method."""
    y = Axis(0.5, 5.5, BOTTOM, TOP)
    style = f"display:block;width:100%;max-width:{1.4 * WIDTH:.0f}px;height:auto;font-size:13px"
    box = f"0 0 {WIDTH} {HEIGHT}"
    svg = Element("svg", viewBox=box, role="img", style=style, fill="currentColor")
    svg.set("aria-label", "Distribution of the ratings. " + ", ".join(map(_said, opinions)))
    for step, name in enumerate(SCALE, 1):
        write_text(svg, (LEFT - 8, y(step) + 4.5), f"{step} {name}", "end")
    column = (WIDTH - LEFT) / len(opinions)
    for place, opinion in enumerate(opinions):
        left = LEFT + place * column
        _cells(svg, opinion, left, y)
        x = left + CELL + 16
        if opinion.mean is not None:
            for at in (opinion.low, opinion.high):
                draw_path(svg, [(x - 4, y(at)), (x + 4, y(at))])
            draw_path(svg, [(x, y(opinion.low)), (x, y(opinion.high))])
            SubElement(svg, "circle", cx=f"{x:.1f}", cy=f"{y(opinion.mean):.1f}", r="4.5")
        ring = {"cx": f"{x + 9:.1f}", "cy": f"{y(PAPER_MOS[SET][opinion.method]):.1f}", "r": "4"}
        SubElement(svg, "circle", ring, fill="none", stroke="currentColor")
        write_text(svg, (left + column / 2 - 4, BOTTOM + 20), opinion.method, "middle")
        mean = "–" if opinion.mean is None else f"{opinion.mean:.2f}"
        write_text(svg, (left + column / 2 - 4, BOTTOM + 38), mean, "middle")
    return svg


def _cells(svg: Element, opinion: Opinion, left: float, y: Axis) -> None:
    """One column of the distribution: the darker, the more votes."""
    height = y(1) - y(2)
    for step, votes in enumerate(opinion.histogram, 1):
        share = votes / max(opinion.votes, 1)
        SubElement(
            svg,
            "rect",
            {
                "x": f"{left:.1f}",
                "y": f"{y(step + 0.5) + 1:.1f}",
                "width": f"{CELL}",
                "height": f"{height - 2:.1f}",
                "fill": STYLES[opinion.method].colour,
                "fill-opacity": f"{0.06 + 0.74 * share:.2f}",
            },
        )
        if votes:
            write_text(svg, (left + CELL / 2, y(step) + 4.5), f"{100 * share:.0f}", "middle")


def _said(opinion: Opinion) -> str:
    mean = "not enough votes" if opinion.mean is None else f"mean {opinion.mean:.2f}"
    return f"{opinion.method}: {mean}"


def _text(box: Element, tag: str, text: str) -> None:
    SubElement(box, tag).text = text


def _table(box: Element, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    style = "width:auto;font-size:var(--text-sm);font-variant-numeric:tabular-nums"
    write_table(box, head, rows, style, "padding:3px 5px;text-align:left;vertical-align:top")


def _interval(opinion: Opinion) -> str:
    if opinion.mean is None:
        return "–"
    return f"{opinion.mean:.2f} ({opinion.low:.2f}{TO}{opinion.high:.2f})"


def _probability(p: float) -> str:
    return "<\xa00.001" if p < 0.001 else f"{p:.3f}"


def _too_few(raters: int) -> str:
    return f"Not enough votes yet ({raters} of {MIN_RATERS} people)."


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def _count(number: int, name: str) -> str:
    return f"{number} {name}" + ("" if number == 1 else "s")

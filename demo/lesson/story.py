"""What the lesson tells beside its pictures, in Markdown with formulas in LaTeX.

`@file.py:name` in a text stands for a function or class of this repository, see `linked`.
"""

import re
from pathlib import Path

from demo.engine.table import number
from srgan.evaluation.report import PUBLISHED

METHODS = ("Bicubic", "SRResNet", "SRGAN")
REPOSITORY = Path(__file__).parents[2]

OPENING = """## Why SRResNet is soft and SRGAN is sharp

Shrinking a photo four times leaves one pixel of every 16, so **many sharp photos shrink to the
same small one**. Which of them was it? Nobody can tell. A network that is punished for the *squared
error* does best to answer with the **average** of all that are plausible: never far off, and soft.
A network that must look *real* to a second network has to **pick one**: sharp, and often wrong.
See it on the photo of the first tab."""

FORMULAS = r"""### What is minimised

`sr` $= G($`lr`$)$ is the network's picture, `hr` the original; means are over all values.

**Content loss** on pixels (MSE, equation 4), which is all that SRResNet minimises, and on features
$\phi$ of a frozen network such as VGG19 (equation 5)

$$\begin{aligned}
\mathtt{content}_\text{MSE} &= \operatorname{mean}\,(\mathtt{sr} - \mathtt{hr})^2 \\
\mathtt{content}_\text{VGG} &= \operatorname{mean}\,(\phi(\mathtt{sr}) - \phi(\mathtt{hr}))^2
\end{aligned}$$

**Adversarial loss**: how surely the discriminator $D$ sees through the picture (equation 6)

$$\mathtt{adversarial} = -\log D(\mathtt{sr})$$

**Perceptual loss**: what SRGAN minimises, with the paper's weight (equation 3)

$$\mathtt{content}_\text{VGG} + 10^{-3}\cdot\mathtt{adversarial}$$

In the code: @srgan/losses.py:ContentLoss, @srgan/features.py:load_features,
@srgan/losses.py:adversarial_loss, @srgan/training/steps.py:_generator_step."""

NETWORKS = r"""SRResNet and SRGAN are **one generator** with two sets of weights. The
**discriminator** learns to tell originals from the generator's pictures (equation 2). It minimises

$$-\log D(\mathtt{hr}) - \log\,(1 - D(\mathtt{sr}))$$

In the code: @srgan/models.py:Generator, @srgan/models.py:Discriminator,
@srgan/losses.py:discriminator_loss."""


def _published() -> str:
    """The paper's BSD100: PSNR and opinion score, the best method of each in bold."""
    rows = PUBLISHED["BSD100"]
    best = [max(rows[name.lower()][i] for name in METHODS) for i in (0, 2)]
    lines = ["| | PSNR [dB] | MOS |", "|:--|--:|--:|"]
    for name in (*METHODS, "Original"):
        psnr, _, mos = rows[name.lower()]
        cells = [
            f"**{number(value, 2)}**" if value == most else number(value, 2)
            for value, most in zip((psnr, mos), best, strict=True)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


NUMBERS = f"""### What the numbers say

**PSNR** is the squared error in decibels, so it prefers the average: even somebody who picked
perfectly would have twice its error, 3 dB less. People prefer what looks real. The paper's BSD100,
with the mean opinion score (MOS, 1 to 5) of 26 people:

{_published()}

**Detail**, in the first tab, tells how much fine structure a picture has, right or wrong: what PSNR
is paid for with.

- The paper: Ledig et al. 2017, [arXiv 1609.04802](https://arxiv.org/abs/1609.04802)
- What the weights of this page learned from: #weights/README.md
- The patches: @demo/lesson/plausible.py:plausible, @demo/lesson/back_projection.py:Place"""


def linked(text: str, space: str | None) -> str:
    """Replace `@file.py:name` and `#file` by what people read.

    Args:
        text: Markdown.
        space: Name of the Hugging Face Space that shows the page: its files are linked, and lines
            in them. Without one, files and names are told.
    """

    def named(match: re.Match[str]) -> str:
        file, name = match.groups()
        if space is None:
            return f"`{name}` in `{file}`"
        return f"[`{name}`]({_address(space, file)}#L{_line(file, name)})"

    def plain(match: re.Match[str]) -> str:
        file = match[1]
        return f"`{file}`" if space is None else f"[`{file}`]({_address(space, file)})"

    text = re.sub(r"@([\w/]+\.py):(\w+)", named, text)
    return re.sub(r"(?<= )#([\w/]+\.md)", plain, text)


def _address(space: str, file: str) -> str:
    return f"https://huggingface.co/spaces/{space}/blob/main/{file}"


def _line(file: str, name: str) -> int:
    """Return the line, from 1, where a file defines a name."""
    source = (REPOSITORY / file).read_text("utf-8")
    start = re.search(rf"^ *(?:class|def) {name}\b", source, re.MULTILINE)
    if start is None:
        raise ValueError(f"{file} has no {name}")
    return source.count("\n", 0, start.start()) + 1

"""What a visitor takes home: scores as CSV and JSON, everything of a photo or a set in one ZIP."""

import csv
import io
import json
import re
import unicodedata
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from demo.engine.scores import Scores, unit

UNITS = {name: unit(name) for name in Scores.model_fields}
EPOCH = (1980, 1, 1, 0, 0, 0)  # equal contents give equal files
MEASURED = """\
  psnr_today, ssim_today  BT.601 luma, 4 pixels off each side, 11 x 11 Gaussian window
  psnr_paper, ssim_paper  as the paper measured: BT.709 luma, 4 pixels off each side, SSIM of the
                          Daala tools; never compare numbers of the two protocols
  detail                  energy above the small image's Nyquist frequency, in % of the original's
  agreement               PSNR of the result, shrunk again, against the small image
  seconds                 of the method alone
"""
WEIGHTS = """
Weights (sha256):
{weights}
"""
README = f"""{{photo}}: restored from a small image, four times smaller

{{files}}

Methods: {{methods}}.
The photo was shrunk four times, or is itself the small image; each method enlarged the small image
four times. Bicubic is interpolation. SRResNet and SRGAN are one network, trained on the squared
error and against a discriminator (Ledig et al., arXiv 1609.04802). The pictures are lossless: the
8-bit pixels that were scored.

Scores, in scores.csv and scores.json:
{MEASURED}Empty or null: not known, as without an original. Infinity: equal. NaN: undefined.
{WEIGHTS}"""
SET_README = f"""A set of photos, each restored from a small image, four times smaller

{{files}}

Methods: {{methods}}. The pictures are lossless: the 8-bit pixels that were scored.

table.md has the means and every photo's scores, table.csv and table.json all digits:
{MEASURED}Published values are those of Ledig et al. 2017, Table 2, in the paper's protocol.
{WEIGHTS}"""


def scores_csv(scores: Mapping[str, Scores], photo: str) -> str:
    """Return the scores as CSV: a row for each method, with the photo's name in the first column.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.

    Args:
        scores: By method.
        photo: Name of the photo.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    units = [f"{name} [{of}]" if of else name for name, of in UNITS.items()]
    writer.writerow(["photo", "method", *units])
    for method, values in scores.items():
        writer.writerow([no_formula(photo), no_formula(method), *values.plain().values()])
    return text.getvalue()


def scores_json(scores: Mapping[str, Scores], photo: str, weights: Mapping[str, str]) -> str:
    """Return the scores as JSON; what it cannot say as a number is "Infinity" or "NaN".

    Args:
        scores: By method.
        photo: Name of the photo.
        weights: sha256 of the weights by file name.
    """
    content = {
        "photo": one_line(photo),
        "weights": dict(weights),
        "units": {name: of for name, of in UNITS.items() if of},
        "scores": {method: values.plain() for method, values in scores.items()},
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_zip(
    path: str | Path,
    pictures: Iterable[tuple[str, str | Path]],
    scores: Mapping[str, Scores],
    photo: str,
    weights: Mapping[str, str],
) -> None:
    """Write a photo's pictures, scores.csv, scores.json and README.txt, see `write_archive`.

    Args:
        path: Of the ZIP.
        pictures: The name of each in the ZIP and its file.
        scores: By method.
        photo: Name of the photo.
        weights: sha256 of the weights by file name.
    """
    texts = {
        "scores.csv": scores_csv(scores, photo),
        "scores.json": scores_json(scores, photo, weights),
    }
    fields = {"photo": one_line(photo), "methods": ", ".join(scores) or "none"}
    write_archive(Path(path), pictures, texts, README, weights, fields)


def write_archive(
    path: Path,
    pictures: Iterable[tuple[str, str | Path]],
    texts: Mapping[str, str],
    readme: str,
    weights: Mapping[str, str],
    fields: Mapping[str, str],
) -> None:
    """Write pictures, texts and README.txt into a ZIP; replaces it in one step.

    Args:
        path: Of the ZIP.
        pictures: The name of each in the ZIP and its file, in this order. A name is freed of
            folders and special characters; equal ones are numbered.
        texts: By their names in the ZIP.
        readme: Its template, with places for "files", "weights" and `fields`.
        weights: sha256 of the weights by file name.
        fields: What else stands in the readme.

    Raises:
        OSError: A picture is gone, or the ZIP cannot be written; what was at its place stays.
    """
    taken = {*texts, "readme.txt"}
    named = [(free_name(name, taken), Path(file)) for name, file in pictures]
    contents = {**texts}
    contents["README.txt"] = readme.format(
        files="\n".join([*(name for name, _ in named), *texts]),
        weights="\n".join(f"  {digest}  {name}" for name, digest in weights.items()),
        **fields,
    )
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:  # PNG is compressed
            for name, file in named:
                archive.writestr(_zip_entry(name), file.read_bytes())
            for name, text in contents.items():
                archive.writestr(_zip_entry(name), text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _zip_entry(name: str) -> zipfile.ZipInfo:
    """Return the head of a file in a ZIP."""
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = 0o644 << 16  # else unzip makes a file that nobody may read
    return entry


def no_formula(text: str) -> str:
    """Return a text of one line that no spreadsheet takes for a formula."""
    plain = one_line(text)
    # A spreadsheet may take the wide forms of East Asian fonts for the signs, too.
    return f"'{plain}" if unicodedata.normalize("NFKC", plain[:1]) in tuple("=+-@") else plain


def one_line(text: str) -> str:
    """Return a text without breaks and signs that cannot be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def free_name(name: str, taken: set[str]) -> str:
    """Make a plain name of a file that is not taken, whatever its case, and take it."""
    plain = re.sub(r"[^\w.-]", "_", re.split(r"[/\\]", name)[-1])[-80:].strip("._") or "picture"
    stem, ending = Path(plain).stem, Path(plain).suffix
    number, free = 1, plain
    while free.casefold() in taken:
        number += 1
        free = f"{stem}_{number}{ending}"
    taken.add(free.casefold())
    return free

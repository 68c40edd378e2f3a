"""A whole set in one ZIP: the pictures of all photos, and the table."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from demo.analysis.export import write_archive

README = """A set of photos, each restored from a small image, four times smaller

{files}

Methods: {methods}. The pictures are lossless: the 8-bit pixels that were scored.

table.md has the means and every photo's scores, table.csv and table.json all digits:
  psnr_today, ssim_today  BT.601 luma, 4 pixels off each side, 11 x 11 Gaussian window
  psnr_paper, ssim_paper  as the paper measured: BT.709 luma, 4 pixels off each side, SSIM of the
                          Daala tools; never compare numbers of the two protocols
  detail                  energy above the small image's Nyquist frequency, in % of the original's
  agreement               PSNR of the result, shrunk again, against the small image
  seconds                 of the method alone
Published values are those of Ledig et al. 2017, Table 2, in the paper's protocol.

Weights (sha256):
{weights}
"""


def write_set_zip(
    path: Path,
    pictures: Iterable[tuple[str, str | Path]],
    texts: Mapping[str, str],
    methods: Sequence[str],
    weights: Mapping[str, str],
) -> None:
    """Write pictures, the table in its forms and README.txt into a ZIP; replaces it in one step.

    Args:
        path: Of the ZIP.
        pictures: The name of each in the ZIP and its file, in this order. A name is freed of
            folders and special characters; equal ones are numbered.
        texts: The table by ending: "csv", "json", "md".
        methods: Their names.
        weights: sha256 of the weights by file name.

    Raises:
        OSError: A picture is gone, or the ZIP cannot be written; what was at its place stays.
    """
    contents = {f"table.{ending}": text for ending, text in texts.items()}
    write_archive(path, pictures, contents, README, weights, {"methods": ", ".join(methods)})

"""One picture file four times larger, wherever it lies."""

import re
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from srgan.alpha import enlarge_alpha, fill_transparent
from srgan.buckets import Url
from srgan.images import SCALE, Image
from srgan.metadata import Metadata
from srgan.opening import MAX_DECODED_PIXELS
from srgan.picture_files import made_of, mark, write_picture
from srgan.reading import Picture, read_picture
from srgan.upscale import PLAIN, Steps, Upscaler, finish
from srgan.weights import NETWORKS
from srgan.wrap import unwrapped, wrapped

METHODS = tuple(name.lower() for name in (*(plain.name for plain in PLAIN[1:]), *NETWORKS))
ENDINGS = rf"_x{SCALE}\.(?:png|webp|jpe?g|tiff?)"
OUTPUT = re.compile(rf".*_(?:{'|'.join((*METHODS, 'nearest'))}){ENDINGS}", re.IGNORECASE)


@dataclass(frozen=True)
class Job:
    """One file to enlarge."""

    source: Path | Url
    target: Path | Url
    problem: str | None = None  # why it cannot be enlarged
    named: bool = False  # by itself, not found in a folder

    def absolute(self) -> "Job":
        """The same wherever a process works."""
        source, target = (
            path.absolute() if isinstance(path, Path) else path
            for path in (self.source, self.target)
        )
        return replace(self, source=source, target=target)


class Outcome(NamedTuple):
    """What has come of a file."""

    job: Job
    kind: Literal["done", "before", "output", "failed"]  # "output": of this command, passed over
    said: str = ""  # the line, or the reason
    megapixels: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """How all files are enlarged.

    Attributes:
        method: Its name in the outputs' names.
        upscaler: Used for the colours.
        max_pixels: Width times height that an output may have.
        overwrite: Whether a target that is there already may be replaced.
        again: Whether outputs of this command are enlarged, too.
        wrap: Whether opposite edges of a picture meet.
        strip: Whether the output says nothing but its pixels.
        file_format: Of `picture_files.FORMATS`.
        quality: Of a JPEG.
    """

    method: str
    upscaler: Upscaler
    max_pixels: int
    overwrite: bool = False
    again: bool = False
    wrap: bool = False
    strip: bool = False
    file_format: str = "png"
    quality: int = 95


class SkipError(Exception):
    """A file is passed over; the message says why."""


class FinishedError(Exception):
    """The output of a file is there already."""


class OutputError(Exception):
    """A file is an output of this command itself."""


def enlarge_picture(picture: Picture, upscaler: Upscaler) -> Steps:
    """Enlarge a picture's colours in steps, with no trace of hidden colours."""
    colours = picture.colours
    if picture.alpha is not None:
        colours = fill_transparent(colours, picture.alpha)
    return (yield from upscaler.steps(colours))


def attempt(job: Job, options: Options) -> Outcome:
    """Enlarge one file, if it is to be enlarged; says what has come of it."""
    try:
        line, megapixels = _enlarge(job, options)
        return Outcome(job, "done", line, megapixels)
    except FinishedError:
        return Outcome(job, "before")
    except OutputError as error:
        return Outcome(job, "output", str(error))
    except (SkipError, ValueError, OSError, MemoryError, RuntimeError) as error:
        reason = str(error).removeprefix(f"{job.source}: ")
        return Outcome(job, "failed", reason or "there is not enough memory")


def _enlarge(job: Job, options: Options) -> tuple[str, float]:
    """Enlarge a file wherever it lies: one in a bucket by way of a temporary folder.

    Raises:
        Exception: Those of `enlarge_file`, with the names that were given.
    """
    if isinstance(job.source, Path) and isinstance(job.target, Path):
        return enlarge_file(job.source, job.target, job.problem, options)
    with TemporaryDirectory(prefix="srgan-") as name:
        folders = [Path(name, part) for part in ("in", "out")]
        source, target = (
            folder / where.name if isinstance(where, Url) else where
            for folder, where in zip(folders, (job.source, job.target), strict=True)
        )
        for folder in folders:
            folder.mkdir()
        if isinstance(job.source, Url) and not job.problem:
            job.source.fetch(source)
        if isinstance(job.target, Url) and job.target.fetch_head(target) and not made_of(target):
            job.target.fetch(target)  # other formats say it at their end
        try:
            line, megapixels = enlarge_file(source, target, job.problem, options)
        except (SkipError, ValueError, OSError) as error:
            raise SkipError(str(error).replace(str(target), str(job.target))) from error
        if isinstance(job.target, Url):
            job.target.put(target)
        return line.replace(str(target), str(job.target)), megapixels


def enlarge_file(
    source: Path, target: Path, problem: str | None, options: Options
) -> tuple[str, float]:
    """Enlarge one file and write the output.

    Args:
        source: The file.
        target: The output.
        problem: Why it cannot be enlarged, if that is known.
        options: How.

    Returns:
        A line that says what was done, and the megapixels of the output.

    Raises:
        FinishedError: The target is there already, made of this file.
        OutputError: The file is an output of this command.
        SkipError: There is a problem, or the output would be too large.
        ImageError: The file cannot be read as a picture.
        ValueError: The format cannot hold the output.
        OSError: The target cannot be written.
    """
    start = time.perf_counter()
    _check(source, target, problem, options)
    limit = options.max_pixels
    picture = read_picture(source, max(MAX_DECODED_PIXELS, limit // SCALE**2))
    height, width = picture.colours.shape[:2]
    size = f"{width * SCALE} x {height * SCALE}"
    if width * height * SCALE**2 > limit:
        raise SkipError(
            f"its output would have {size} pixels, {width * height * SCALE**2 / 1e6:.0f} "
            f"megapixels, and the limit is {limit / 1e6:g}: --max-megapixels raises it"
        )
    halo = options.upscaler.halo
    around = wrapped(picture, halo) if options.wrap else picture
    sr = _finish(enlarge_picture(around, options.upscaler), source.name)
    alpha = None if around.alpha is None else enlarge_alpha(around.alpha)
    if options.wrap:
        sr, alpha = unwrapped(sr, halo), None if alpha is None else unwrapped(alpha, halo)
    about = picture.metadata.at(width * SCALE, height * SCALE, mark(source, options.method))
    if options.strip:
        about = Metadata(gray=picture.metadata.gray)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_picture(target, sr, alpha, about, options.file_format, options.quality)
    notes = list(picture.notes)
    if options.file_format != "jpeg":  # here alpha is kept
        notes = [note for note in notes if "on white" not in note]
    seconds = f"{time.perf_counter() - start:.1f} s"
    line = "  ".join([str(target), size, seconds, *notes])
    return line, width * height * SCALE**2 / 1e6


def _check(source: Path, target: Path, problem: str | None, options: Options) -> None:
    """Raise one of the errors of `enlarge_file` for what is not to be enlarged."""
    if problem:
        raise SkipError(problem)
    own = rf".*_{re.escape(options.method)}{ENDINGS}"
    is_named = OUTPUT.fullmatch(source.name) or re.fullmatch(own, source.name)
    if not options.again and (is_named or made_of(source)):
        raise OutputError("it is an output of this command: --again enlarges it once more")
    if target.exists() and not options.overwrite:
        before = made_of(target)
        if before and before not in mark(source, options.method):
            raise SkipError(
                f"{target} is there already, made of another file: --overwrite replaces it"
            )
        raise FinishedError


def _finish(work: Steps, name: str) -> Image:
    """Run the steps to their end; on a terminal, show how far they are."""
    if not sys.stderr.isatty():
        return finish(work)

    def show(done: float) -> None:
        sys.stderr.write(f"\r{name}  {done:4.0%} ")
        sys.stderr.flush()

    try:
        return finish(work, show)
    finally:
        sys.stderr.write("\r\x1b[K")

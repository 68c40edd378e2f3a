"""Enlarge picture files four times: `srgan enlarge FILES... --out DIR`."""

import argparse
import io
import math
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from srgan.alpha import enlarge_alpha, fill_transparent
from srgan.folders import walk
from srgan.images import SCALE, Image
from srgan.metadata import Metadata
from srgan.opening import MAX_DECODED_PIXELS, looks_like_picture
from srgan.picture_files import FORMATS, made_of, mark, write_picture
from srgan.reading import Picture, read_picture
from srgan.upscale import Steps, Upscaler, finish, load_upscaler
from srgan.weights import NETWORKS, WEIGHTS
from srgan.wrap import unwrapped, wrapped

METHODS = ("bicubic", *(name.lower() for name in NETWORKS))
KNOWN = "|".join((*METHODS, "nearest"))
OUTPUT = re.compile(rf".*_(?:{KNOWN})_x{SCALE}\.(?:png|webp|jpe?g|tiff?)", re.IGNORECASE)
DESCRIPTION = """\
Enlarge pictures four times. Folders are walked, links to folders followed, hidden files passed
over. Every output is DIR/<name>_<method>_x4.<format>, in the same subfolder as in the folder that
was given; transparency, resolution and what else the file says of the photo are kept. A file that
cannot be enlarged is named with the reason, and the work goes on. What is there already is not done
again, and what this command wrote is no input, whatever the method and the folder were."""
EXIT_CODES = """\
Exit code: 0 when all is enlarged, now or before; 1 when any file cannot be; 2 for a wrong
command."""


@dataclass(frozen=True)
class Job:
    """One file to enlarge."""

    source: Path
    target: Path
    problem: str | None = None  # why it cannot be enlarged
    named: bool = False  # by itself, not found in a folder


@dataclass(frozen=True, kw_only=True)
class Options:
    """How all files are enlarged.

    Attributes:
        method: Its name.
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


def plan(inputs: Sequence[Path], out: Path, method: str, ending: str = ".png") -> list[Job]:
    """Find the files of the inputs, each once, and give each an output of its own.

    Files that would get the same one keep their own ending in it, as `a.jpg_srgan_x4.png`, and a
    number if that is not enough. What cannot be enlarged comes with the reason.
    """
    seen: set[str] = set()
    found: list[tuple[Path, Path, bool]] = []
    for path in inputs:
        for source, subfolder in _find(path, out):
            if (absolute := os.path.abspath(source)) not in seen:
                seen.add(absolute)
                found.append((source, out / subfolder, source == path))
    tail = f"_{method}_x{SCALE}{ending}"

    def folded(folder: Path, name: str) -> str:  # some file systems take A.png and a.png for one
        return str(folder / f"{name}{tail}").casefold()

    # What is no picture takes no name from one: photo.txt beside photo.jpg.
    wanted = Counter(folded(f, s.stem) for s, f, _ in found if looks_like_picture(s))
    jobs, taken = [], set()
    for source, folder, named in found:
        if source.is_dir():
            jobs.append(Job(source, folder, "this folder holds no files that can be read"))
            continue
        name = source.stem if wanted[folded(folder, source.stem)] <= 1 else source.name
        number, first = 1, name
        while folded(folder, name) in taken:
            number += 1
            name = f"{first}-{number}"
        if looks_like_picture(source):
            taken.add(folded(folder, name))
        jobs.append(Job(source, folder / f"{name}{tail}", named=named))
    return jobs


def _find(path: Path, out: Path) -> Iterator[tuple[Path, Path]]:
    """The files of an input with their subfolder; an input without any files as it is."""
    found = walk(path, without=out) if path.is_dir() else ()
    files = [(file, file.parent.relative_to(path)) for file in found]
    yield from files or [(path, Path())]


def enlarge_picture(picture: Picture, upscaler: Upscaler) -> Steps:
    """Enlarge a picture's colours in steps, with no trace of hidden colours."""
    colours = picture.colours
    if picture.alpha is not None:
        colours = fill_transparent(colours, picture.alpha)
    return (yield from upscaler.steps(colours))


def enlarge_file(job: Job, options: Options) -> str:
    """Enlarge one file and write the output; returns a line that says what was done.

    Raises:
        FinishedError: The target is there already, made of this file.
        OutputError: The file is an output of this command.
        SkipError: The job has a problem, or the output would be too large.
        ImageError: The file cannot be read as a picture.
        ValueError: The format cannot hold the output.
        OSError: The target cannot be written.
    """
    start = time.perf_counter()
    _check(job, options)
    limit = options.max_pixels
    picture = read_picture(job.source, max(MAX_DECODED_PIXELS, limit // SCALE**2))
    height, width = picture.colours.shape[:2]
    size = f"{width * SCALE} x {height * SCALE}"
    if width * height * SCALE**2 > limit:
        raise SkipError(
            f"its output would have {size} pixels, {width * height * SCALE**2 / 1e6:.0f} "
            f"megapixels, and the limit is {limit / 1e6:g}: --max-megapixels raises it"
        )
    around = wrapped(picture) if options.wrap else picture
    sr = _finish(enlarge_picture(around, options.upscaler), job.source.name)
    alpha = None if around.alpha is None else enlarge_alpha(around.alpha)
    if options.wrap:
        sr, alpha = unwrapped(sr), None if alpha is None else unwrapped(alpha)
    about = picture.metadata.at(width * SCALE, height * SCALE, mark(job.source, options.method))
    if options.strip:
        about = Metadata(gray=picture.metadata.gray)
    job.target.parent.mkdir(parents=True, exist_ok=True)
    write_picture(job.target, sr, alpha, about, options.file_format, options.quality)
    notes = list(picture.notes)
    if options.file_format != "jpeg":  # here alpha is kept
        notes = [note for note in notes if "on white" not in note]
    seconds = f"{time.perf_counter() - start:.1f} s"
    return "  ".join([str(job.target), size, seconds, *notes])


def _check(job: Job, options: Options) -> None:
    """Raise one of the errors of `enlarge_file` for what is not to be enlarged."""
    if job.problem:
        raise SkipError(job.problem)
    if not options.again and (OUTPUT.fullmatch(job.source.name) or made_of(job.source)):
        raise OutputError("it is an output of this command: --again enlarges it once more")
    if job.target.exists() and not options.overwrite:
        before = made_of(job.target)
        if before and before not in mark(job.source, options.method):
            raise SkipError(
                f"{job.target} is there already, made of another file: --overwrite replaces it"
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


def run(jobs: Sequence[Job], options: Options) -> int:
    """Enlarge files one after another, naming each; returns the exit code."""
    done, failed, before, outputs = 0, 0, 0, 0
    try:
        for job in jobs:
            try:
                print(enlarge_file(job, options), flush=True)
                done += 1
            except FinishedError:
                before += 1
            except OutputError as error:
                outputs += 1
                if job.named:
                    print(f"passed over {job.source}: {error}", file=sys.stderr, flush=True)
            except (SkipError, ValueError, OSError, MemoryError, RuntimeError) as error:
                failed += 1
                reason = str(error) or "there is not enough memory"
                print(f"skipped {job.source}: {reason}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        left = len(jobs) - done - failed - before - outputs
        print(f"stopped: {_summary(done, failed, before, outputs)}, {left} left", file=sys.stderr)
        return 130
    print(_summary(done, failed, before, outputs), file=sys.stderr)
    return 1 if failed else 0


def _summary(done: int, failed: int, before: int, outputs: int) -> str:
    parts = [f"{done} enlarged, {failed} skipped"]
    if before:
        parts.append(f"{before} there already (--overwrite does them again)")
    if outputs:
        parts.append(f"{outputs} outputs of this command passed over")
    return ", ".join(parts)


def main(argv: Sequence[str] | None = None, program: str = "python -m srgan.upscale") -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        program,
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("files", nargs="+", type=Path, metavar="FILES", help="pictures, or folders of pictures")
    add("--method", choices=METHODS, default="srgan", help="default: srgan")
    add("--out", type=Path, required=True, metavar="DIR", help="folder of the outputs; it is made")
    add("--weights", type=Path, default=WEIGHTS, metavar="DIR", help=f"default: {WEIGHTS}")
    precision = "fp32 is exact, bf16 is faster where the processor has it; default: auto"
    add("--precision", choices=("auto", "bf16", "fp32"), default="auto", help=precision)
    add("--overwrite", action="store_true", help="do again what is there already")
    again = "enlarge outputs of this command, too, sixteen times in all"
    add("--again", action="store_true", help=again)
    wrap = "opposite edges meet: for textures that tile without a seam"
    add("--wrap", action="store_true", help=wrap)
    form = "default: png; all but jpeg keep every pixel"
    add("--format", choices=FORMATS, default="png", dest="file_format", help=form)
    add("--quality", type=int, default=95, metavar="N", help="of jpeg, 1 to 100; default: 95")
    strip = "write the pixels alone: no resolution, EXIF, XMP, IPTC or text"
    add("--strip", action="store_true", help=strip)
    limit = "largest output, default: 200, a 12-megapixel photo enlarged, which takes 3 GB"
    add("--max-megapixels", type=float, default=200, metavar="N", help=limit)
    args = parser.parse_args(argv)
    if not 0 < args.max_megapixels < math.inf:
        parser.error(f"--max-megapixels must be a positive number, got {args.max_megapixels}")
    if not 1 <= args.quality <= 100:
        parser.error(f"--quality must be from 1 to 100, got {args.quality}")
    for stream in (sys.stdout, sys.stderr):  # a file name may hold what the terminal cannot show
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        upscaler = load_upscaler(args.method, args.weights, args.precision)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    jobs = plan(args.files, args.out, args.method, FORMATS[args.file_format].ending)
    shared = {name: getattr(args, name) for name in ("overwrite", "again", "wrap", "strip")}
    options = Options(
        method=args.method,
        upscaler=upscaler,
        max_pixels=int(args.max_megapixels * 1e6),
        file_format=args.file_format,
        quality=args.quality,
        **shared,
    )
    return run(jobs, options)

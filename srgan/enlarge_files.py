"""Enlarge picture files four times: `srgan enlarge FILES... --out DIR`."""

import argparse
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from srgan.alpha import enlarge_alpha, fill_transparent
from srgan.folders import walk
from srgan.images import SCALE, Image, ImageError, write_png
from srgan.reading import MAX_DECODED_PIXELS, Picture, read_picture
from srgan.upscale import Steps, Upscaler, finish, load_upscaler
from srgan.weights import NETWORKS, WEIGHTS

METHODS = ("bicubic", *(name.lower() for name in NETWORKS))
DESCRIPTION = """\
Enlarge pictures four times. Folders are walked, hidden files in them passed over. Every output is
DIR/<name>_<method>_x4.png, in the same subfolder as in the folder that was given; transparency is
kept. A file that cannot be enlarged is named with the reason, and the work goes on."""
EXIT_CODES = "Exit code: 0 when all is enlarged, 1 when any file was not, 2 for a wrong command."


@dataclass(frozen=True)
class Job:
    """One file to enlarge."""

    source: Path
    target: Path
    problem: str | None  # why it cannot be enlarged


class SkipError(Exception):
    """A file is passed over; the message says why."""


def plan(inputs: Sequence[Path], out: Path, method: str) -> Iterator[Job]:
    """Find the files of the inputs, each once; what cannot be enlarged comes with the reason."""
    seen: set[str] = set()
    taken: dict[str, Path] = {}
    ending = f"_{method}_x{SCALE}.png"
    for source, subfolder in (found for path in inputs for found in _find(path, out)):
        if (absolute := os.path.abspath(source)) in seen:
            continue
        seen.add(absolute)
        target = out / subfolder / f"{source.stem}{ending}"
        folded = str(target).casefold()  # some file systems take A.png and a.png for one file
        if source.is_dir():
            problem = "this folder holds no files that can be read"
        elif source.name.endswith(ending) and out.resolve() in source.resolve().parents:
            problem = "it is an output of this command"
        elif folded in taken:
            problem = f"{taken[folded]} goes to {target} too: give one of them another --out"
        else:
            problem = None
            if source.exists():
                taken[folded] = source
        yield Job(source, target, problem)


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


def enlarge_file(job: Job, upscaler: Upscaler, max_pixels: int, overwrite: bool) -> str:
    """Enlarge one file and write the output; returns a line that says what was done.

    Args:
        job: What to read and write; the target's folder is made.
        upscaler: Used for the colours.
        max_pixels: Width times height that an output may have.
        overwrite: Whether a target that is there already may be replaced.

    Raises:
        SkipError: The job has a problem, its target is there, or the output would be too large.
        ImageError: The file cannot be read as a picture.
        OSError: The target cannot be written.
    """
    start = time.perf_counter()
    if job.problem:
        raise SkipError(job.problem)
    if job.target.exists() and not overwrite:
        raise SkipError(f"{job.target} is there already: --overwrite replaces it")
    picture = read_picture(job.source, max(MAX_DECODED_PIXELS, max_pixels // SCALE**2))
    height, width = picture.colours.shape[:2]
    size = f"{width * SCALE} x {height * SCALE}"
    if width * height * SCALE**2 > max_pixels:
        raise SkipError(
            f"its output would have {size} pixels, {width * height * SCALE**2 / 1e6:.0f} "
            f"megapixels, and the limit is {max_pixels / 1e6:g}: --max-megapixels raises it"
        )
    sr = _finish(enlarge_picture(picture, upscaler), job.source.name)
    alpha = None if picture.alpha is None else enlarge_alpha(picture.alpha)
    job.target.parent.mkdir(parents=True, exist_ok=True)
    write_png(sr, job.target, alpha)
    notes = [note for note in picture.notes if "on white" not in note]  # here alpha is kept
    seconds = f"{time.perf_counter() - start:.1f} s"
    return "  ".join([str(job.target), size, seconds, *notes])


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


def run(jobs: Sequence[Job], upscaler: Upscaler, max_pixels: int, overwrite: bool) -> int:
    """Enlarge files one after another, naming each; returns the exit code."""
    done = failed = 0
    try:
        for job in jobs:
            try:
                print(enlarge_file(job, upscaler, max_pixels, overwrite), flush=True)
                done += 1
            except (SkipError, ImageError, OSError, MemoryError, RuntimeError) as error:
                failed += 1
                reason = str(error) or "there is not enough memory"
                print(f"skipped {job.source}: {reason}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        left = len(jobs) - done - failed
        print(f"stopped: {done} enlarged, {failed} skipped, {left} left", file=sys.stderr)
        return 130
    print(f"{done} enlarged, {failed} skipped", file=sys.stderr)
    return 1 if failed else 0


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
    add("--overwrite", action="store_true", help="replace outputs that are there already")
    limit = "largest output, default: 200, a 12-megapixel photo enlarged, which takes 3 GB"
    add("--max-megapixels", type=float, default=200, metavar="N", help=limit)
    args = parser.parse_args(argv)
    if not 0 < args.max_megapixels < math.inf:
        parser.error(f"--max-megapixels must be a positive number, got {args.max_megapixels}")
    for stream in (sys.stdout, sys.stderr):  # a file name may hold what the terminal cannot show
        stream.reconfigure(errors="backslashreplace")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        upscaler = load_upscaler(args.method, args.weights, args.precision)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    jobs = list(plan(args.files, args.out, args.method))
    return run(jobs, upscaler, int(args.max_megapixels * 1e6), args.overwrite)

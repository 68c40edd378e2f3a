"""Enlarge picture files four times: `srgan enlarge FILES... --out DIR`."""

import argparse
import io
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from glob import glob, has_magic
from pathlib import Path, PurePath

from srgan import fleet
from srgan.buckets import Url, heads, place
from srgan.enlarging import METHODS, Job, Options, Outcome, attempt
from srgan.folders import walk
from srgan.images import SCALE
from srgan.model_option import add_model_option
from srgan.opening import HEAD, is_picture, looks_like_picture
from srgan.own_models import check_names, key_of, load_models
from srgan.picture_files import FORMATS
from srgan.upscale import load_upscaler
from srgan.weights import WEIGHTS

LOST = "its process ended every time, perhaps for lack of memory: enlarge it alone to see why"
DESCRIPTION = """\
Enlarge pictures four times. Folders are walked, links to folders followed, hidden files passed
over. Every output is DIR/<name>_<method>_x4.<format>, in the same subfolder as in the folder that
was given; transparency, resolution and what else the file says of the photo are kept. A file that
cannot be enlarged is named with the reason, and the work goes on. What is there already is not done
again, and what this command wrote is no input, whatever the method and the folder were."""
EXIT_CODES = """\
Exit code: 0 when all is enlarged, now or before; 1 when any file cannot be; 2 for a wrong
command."""


def plan(
    inputs: Sequence[Path | Url], out: Path | Url, method: str, ending: str = ".png"
) -> list[Job]:
    """Find the files of the inputs, each once, and give each an output of its own.

    Files that would get the same one keep their own ending in it, as `a.jpg_srgan_x4.png`, and a
    number if that is not enough. What cannot be enlarged comes with the reason.

    Raises:
        OSError: A bucket cannot be listed.
    """
    seen: set[str] = set()
    found: list[tuple[Path | Url, Path | Url, bool]] = []
    for path in inputs:
        for source, subfolder in _find(path, out):
            absolute = str(source) if isinstance(source, Url) else os.path.abspath(source)
            if absolute not in seen:
                seen.add(absolute)
                found.append((source, out / subfolder, source == path))
    tail = f"_{method}_x{SCALE}{ending}"

    def folded(folder: Path | Url, name: str) -> str:  # some systems take A.png and a.png for one
        return str(folder / f"{name}{tail}").casefold()

    # What is no picture takes no name from one: photo.txt beside photo.jpg.
    pictures = _pictures([source for source, _, _ in found])
    wanted = Counter(folded(f, s.stem) for s, f, _ in found if s in pictures)
    jobs, taken = [], set()
    for source, folder, named in found:
        if isinstance(source, Path) and source.is_dir():
            jobs.append(Job(source, folder, "this folder holds no files that can be read"))
            continue
        name = source.stem if wanted[folded(folder, source.stem)] <= 1 else source.name
        number, first = 1, name
        while folded(folder, name) in taken:
            number += 1
            name = f"{first}-{number}"
        if source in pictures:
            taken.add(folded(folder, name))
        jobs.append(Job(source, folder / f"{name}{tail}", named=named))
    return jobs


def _find(path: Path | Url, out: Path | Url) -> Iterator[tuple[Path | Url, PurePath]]:
    """The files of an input with their subfolder; an input without any files as it is."""
    files: list[tuple[Path | Url, PurePath]] = []
    if isinstance(path, Url):
        files += path.find(without=str(out))
    elif path.is_dir():
        found = walk(path, without=out if isinstance(out, Path) else None)
        files += [(file, file.parent.relative_to(path)) for file in found]
    yield from files or [(path, PurePath())]


def _pictures(sources: Sequence[Path | Url]) -> set[Path | Url]:
    """Those that are pictures by their first bytes."""
    remote = [source for source in sources if isinstance(source, Url)]
    found = zip(remote, heads(remote, HEAD), strict=True)
    return {url for url, head in found if is_picture(head)} | {
        source for source in sources if isinstance(source, Path) and looks_like_picture(source)
    }


def run(jobs: Sequence[Job], outcomes: Iterable[Outcome], is_spread: bool = False) -> int:
    """Name each file as it comes and count them; returns the exit code.

    Args:
        jobs: All.
        outcomes: Of each, worked out when it is asked for.
        is_spread: Over machines: what failed is named at the end, and the progress is shown. A
            job without an outcome has failed, too.
    """
    counts, failed, progress = Counter[str](), list[Outcome](), _Progress(len(jobs))
    left = {str(job.target): job for job in jobs} if is_spread else {}
    try:
        for outcome in outcomes:
            counts[outcome.kind] += 1
            left.pop(str(outcome.job.target), None)
            if outcome.kind == "done":
                print(outcome.said, flush=True)
            elif outcome.kind == "output" and outcome.job.named:
                _say(f"passed over {outcome.job.source}: {outcome.said}")
            elif outcome.kind == "failed":
                failed.append(outcome)
                if not is_spread:
                    _say(f"skipped {outcome.job.source}: {outcome.said}")
            if is_spread:
                progress.add(outcome)
    except KeyboardInterrupt:
        progress.clear()
        _say(f"stopped: {_summary(counts)}, {len(jobs) - counts.total()} left")
        return 130
    if is_spread:
        progress.clear()
        failed += [Outcome(job, "failed", LOST) for job in left.values()]
        counts["failed"] = len(failed)
        for outcome in failed:
            _say(f"skipped {outcome.job.source}: {outcome.said}")
        _say(progress.rates())
    _say(_summary(counts))
    return 1 if failed else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class _Progress:
    """Pictures and megapixels a second, on a terminal after every picture."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._megapixels = total, 0, 0.0
        self._all, self._begin = 0, time.perf_counter()

    def add(self, outcome: Outcome) -> None:
        self._all += 1
        self._done += outcome.kind == "done"
        self._megapixels += outcome.megapixels
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{self._all} of {self._total}  {self.rates()}")
            sys.stderr.flush()

    def clear(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")

    def rates(self) -> str:
        seconds = time.perf_counter() - self._begin
        speed = f"{self._done / seconds:.2f} pictures, {self._megapixels / seconds:.2f} megapixels"
        return f"{speed} a second in {seconds:.0f} s"


def _summary(counts: Counter[str]) -> str:
    parts = [f"{counts['done']} enlarged, {counts['failed']} skipped"]
    if before := counts["before"]:
        parts.append(f"{before} there already (--overwrite does them again)")
    if outputs := counts["output"]:
        parts.append(f"{outputs} outputs of this command passed over")
    return ", ".join(parts)


def _method(args: argparse.Namespace) -> str:
    """Return the name of the method: of a network that was added, else of a shipped one.

    Raises:
        ValueError: There is none of that name, none is named of several networks, or a name cannot
            be used.
    """
    names = [name for name, _ in args.model]
    check_names(names)
    if args.method is None and len(names) > 1:
        raise ValueError("--method must say which --model is to be used")
    wanted = key_of(args.method or (names[0] if names else "srgan"))
    for name in (*names, *METHODS):
        if key_of(name) == wanted:
            return name
    raise ValueError(f"--method {args.method!r} is none of {', '.join((*METHODS, *names))}")


def _work(args: argparse.Namespace) -> partial[Outcome]:
    """Return what enlarges a job, here or on another machine.

    Raises:
        ValueError: A weight file is missing or does not fit, or there is no such method.
    """
    method = _method(args)
    own = [model for model in args.model if model[0] == method]
    shared = {name: getattr(args, name) for name in ("overwrite", "again", "wrap", "strip")}
    options = Options(
        method=key_of(method),
        upscaler=load_models(own, args.precision)[0].upscaler
        if own
        else load_upscaler(method, args.weights, args.precision),
        max_pixels=int(args.max_megapixels * 1e6),
        file_format=args.file_format,
        quality=args.quality,
        **shared,
    )
    return partial(attempt, options=options)


def _places(texts: Sequence[str]) -> list[Path | Url]:
    """What was named; patterns that no shell has expanded, and that are no names, are expanded."""
    found: list[Path | Url] = []
    for text in texts:
        named = place(text)
        if isinstance(named, Path) and has_magic(text) and not named.exists():
            found += map(Path, sorted(glob(text, recursive=True)) or [text])
        else:
            found.append(named)
    return found


def main(argv: Sequence[str] | None = None, program: str = "python -m srgan.upscale") -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        program,
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    files = "pictures, folders of pictures, patterns, or such in a bucket: s3://…, gs://…, hf://…"
    add("files", nargs="+", metavar="FILES", help=files)
    methods = f"{', '.join(METHODS)} or NAME of a --model; default: the --model, else srgan"
    add("--method", metavar="METHOD", help=methods)
    add_model_option(parser)
    out = "folder of the outputs, here or in a bucket; it is made"
    add("--out", type=place, required=True, metavar="DIR", help=out)
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
    fleet.add_options(parser)
    args = parser.parse_args(argv)
    if not 0 < args.max_megapixels < math.inf:
        parser.error(f"--max-megapixels must be a positive number, got {args.max_megapixels}")
    if not 1 <= args.quality <= 100:
        parser.error(f"--quality must be from 1 to 100, got {args.quality}")
    for stream in (sys.stdout, sys.stderr):  # a file name may hold what the terminal cannot show
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    is_spread = args.ray is not None
    try:
        if isinstance(args.out, Path):
            args.out.mkdir(parents=True, exist_ok=True)
        work, ending = _work(args), FORMATS[args.file_format].ending
        jobs = plan(_places(args.files), args.out, key_of(_method(args)), ending)
        if is_spread:
            fleet.connect(args.ray)
            absolute = [job.absolute() for job in jobs]  # a worker has a folder of its own
            done = fleet.spread(partial(_work, args), absolute, args.cores)
            return run(absolute, (outcome for _, outcome in done), is_spread)
    except (OSError, ValueError, fleet.FleetError) as error:
        parser.error(str(error))
    return run(jobs, map(work, jobs))

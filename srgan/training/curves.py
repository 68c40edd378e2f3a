"""What a training run shows: a progress bar, lines, curves and sample pictures."""

import math
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from srgan.data import Photos
from srgan.images import Image, ImageError, repeat
from srgan.metrics import score
from srgan.models import Generator
from srgan.upscale import NetworkUpscaler

PICTURES = 3  # validation images among the curves
SIDE = 256  # pixels of them that are shown
SKIPPED = 20  # files that are named one by one


class Meter:
    """Means of the numbers of several steps; asks the device for them only once."""

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self._sums: dict[str, torch.Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, log: dict[str, torch.Tensor]) -> None:
        """Add the numbers, each (), of one step."""
        for name, value in log.items():
            self._sums[name] = self._sums.get(name, 0) + value.to(self.accelerator.device)
            self._counts[name] = self._counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """Return the means over steps and processes, and begin anew."""
        means = torch.stack([total / self._counts[name] for name, total in self._sums.items()])
        names = [*self._sums]
        self._sums, self._counts = {}, {}
        return dict(zip(names, self.accelerator.reduce(means, "mean").tolist(), strict=True))


class Curves:
    """TensorBoard's files and the progress bar; only one process has them.

    When the files cannot be written any more, a line says so and the rest goes on.

    Args:
        folder: For TensorBoard's files.
        step: Where the run begins or resumes; curves beyond it are dropped.
        progress: Likewise, from 0 to 1.
    """

    def __init__(self, folder: Path, step: int, progress: float) -> None:
        self.writer: SummaryWriter | None = SummaryWriter(folder, purge_step=step)
        self._ended = False
        self._hook, threading.excepthook = threading.excepthook, self._in_thread
        self.bar = tqdm(
            total=1.0,
            initial=progress,
            disable=None,  # in a log file there are lines only
            bar_format="{desc}{percentage:3.0f}% |{bar:12}| {elapsed}, {remaining} left{postfix}",
        )
        self.psnr = float("nan")  # [dB], the last validation score
        self._means: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Print a line above the bar; where it goes may be full."""
        with suppress(OSError):
            self.bar.write(text)

    def introduce(self, photos: Photos, validation: Photos) -> None:
        """Say what is learned from and scored with, and which files are not used and why."""
        for name, folder in (("train", photos), ("validation", validation)):
            count = f"{folder.usable} photos, {folder.megapixels:.1f} megapixels"
            self.say(f"{name}: {count} in {folder.folder}")
            for path, reason in [*folder.skipped.items()][:SKIPPED]:
                self.say(f"  skipped {path}: {reason}")
            if len(folder.skipped) > SKIPPED:
                self.say(f"  skipped {len(folder.skipped) - SKIPPED} more")
            for note, count in folder.notes.items():
                self.say(f"  {count} photo{'s' * (count != 1)}: {note}")

    def add(self, means: dict[str, float], step: int, progress: float) -> None:
        """Write numbers to the curves and the progress bar."""
        means["data share"] = means.pop("waited") / means["seconds"]
        named = {name if "/" in name else f"run/{name}": value for name, value in means.items()}
        self._write(named, {}, step)
        self._means = means
        self.bar.set_description_str(f"step {step} ", refresh=False)
        self.bar.set_postfix_str(self._summary(), refresh=False)
        self.bar.update(progress - self.bar.n)

    def validate(self, generator: Generator, photos: Photos, step: int) -> None:
        """Score a generator as it will be used (today's protocol) and show some of its pictures."""
        upscale = NetworkUpscaler(generator)
        scores, pictures = [], {}
        for index, path in enumerate(photos.paths):
            try:
                lr, hr = photos[index]
            except ImageError:  # it is among the photos' news
                continue
            sr = upscale(lr)
            scores.append(score(sr, hr).psnr)
            if index < PICTURES:
                row = np.concatenate([_middle(image) for image in (repeat(lr), sr, hr)], axis=1)
                pictures[f"lr, sr, hr/{path.stem}"] = row
        self.psnr = float(np.mean(scores)) if scores else math.nan
        self._write({"run/validation": self.psnr}, pictures, step)
        self.say(f"step {step}, {self._summary()}")

    def just_ended(self) -> bool:
        """Tell, once, that the curves cannot be written any more."""
        ended, self._ended = self._ended, False
        return ended

    def close(self) -> None:
        """End the bar and the curves' file."""
        self.bar.close()
        self._end()

    def _write(self, numbers: dict[str, float], pictures: dict[str, Image], step: int) -> None:
        if self.writer is None:
            return
        try:
            for name, value in numbers.items():
                self.writer.add_scalar(name, value, step)
            for name, picture in pictures.items():
                self.writer.add_image(name, picture, step, dataformats="HWC")
            self.writer.flush()
        except OSError as error:
            self.say(f"step {step}, the curves cannot be written any more: {error}")
            self._end()
            self._ended = True

    def _end(self) -> None:
        if self.writer is not None:
            with suppress(OSError):
                self.writer.close()
            self.writer, threading.excepthook = None, self._hook

    def _in_thread(self, error: threading.ExceptHookArgs) -> None:
        """Print no traceback of TensorBoard's thread: `_write` gets its error, too."""
        if not isinstance(error.exc_value, OSError) or not _is_tensorboards(error.thread):
            self._hook(error)

    def _summary(self) -> str:
        means = self._means
        shown = {
            **{"loss": "loss/content", "adversarial": "loss/adversarial"},
            **{"D": "discriminator/loss", "D right": "discriminator/right"},
        }
        texts = [f"{short} {means[name]:.3g}" for short, name in shown.items() if name in means]
        if means:
            texts.append(f"{means['seconds']:.2f} s a step, {means['data share']:.1%} data")
        return ", ".join([f"validation {self.psnr:.2f} dB", *texts])


def _is_tensorboards(thread: threading.Thread | None) -> bool:
    return type(thread).__module__.startswith("tensorboard.")


def _middle(image: Image) -> Image:
    top, left = (max(0, side - SIDE) // 2 for side in image.shape[:2])
    return image[top : top + SIDE, left : left + SIDE]

"""One run in its folder: evaluate, save, stop, one step, average, log."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors import SafetensorError

from srgan.data import Patches, Photos, prefetch
from srgan.images import SCALE, ImageError
from srgan.metrics import MIN_SIDE
from srgan.models import Generator
from srgan.training.card import describe
from srgan.training.checkpoint import save_checkpoint
from srgan.training.config import TrainConfig
from srgan.training.curves import Curves, Meter
from srgan.training.device_photos import DevicePatches
from srgan.training.initialise import begin_as_nearest
from srgan.training.interrupt import interruptible
from srgan.training.same import find_state, same_inputs
from srgan.training.steps import Trainer
from srgan.upscale import has_native_bf16
from srgan.weights import load_weights, save_weights

HELD_OUT = 5  # photos to score with where no others are given
VALIDATION_GB = 8.0  # of validation photos in memory
Batch = tuple[torch.Tensor, torch.Tensor]


class TrainingError(Exception):
    """A run that cannot go on; the message says why and what was kept."""


class Run:
    """One stretch of training in its folder.

    Args:
        config: What to do.
        resume: Go on with the interrupted run in the folder.
        accelerator: Device, precision and processes.
        command: What was typed.

    Raises:
        ValueError: Something that was asked for is not there or does not fit.
        OSError: The folder cannot be written.
    """

    def __init__(
        self, config: TrainConfig, resume: bool, accelerator: Accelerator, command: str
    ) -> None:
        self.config, self.accelerator, self.command = config, accelerator, command
        self.folder = Path(config.out)
        self.checkpoint = self.folder / "checkpoint.pt"
        auto = "bf16" if uses_bf16("auto") else "fp32"
        state = find_state(config, resume, auto)
        resumed = self.checkpoint.exists()
        self.step: int = state["step"] if state else 0
        self.start: int = state["start"] if resumed else self.step
        self.elapsed: float = state["elapsed"] if resumed else 0.0  # [s] of this stretch
        self.saved: int | None = self.step if resumed else None

        self.photos = Photos(config.images, config.crop, config.cache_gb)
        if config.validation:
            self.validation = Photos(config.validation, MIN_SIDE, VALIDATION_GB)
        else:
            self.validation = self.photos.hold_out(HELD_OUT)
        photos = {"images": self.photos, "validation": self.validation}
        before = state.get("inputs", {}) if resumed else {}
        self.inputs, notes = same_inputs(config, photos, before)
        size = config.crop // SCALE
        share = accelerator.process_index, accelerator.num_processes
        drawn = self.photos, size, config.batch, config.seed, *share
        self.patches = Patches(*drawn)
        if config.photos_on_device:
            self.patches = DevicePatches(*drawn, device=accelerator.device)
        new = config.continue_from is None
        self.trainer = Trainer(config, self._generator(state), accelerator, self.start, new)
        if state:
            self.trainer.load_state_dict(state["trainer"])
        self.curves: Curves | None = None
        if accelerator.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "config.json").write_text(config.to_json())
            self.curves = Curves(self.folder, self.step, self.progress)
            self.curves.introduce(self.photos, self.validation)
            for note in notes:
                self.curves.say(note)

    def train(self, until: float = math.inf) -> bool:
        """Train to the end of the budget; return False if interrupted, after saving.

        Args:
            until: Time of `time.monotonic` that interrupts, too.

        Raises:
            TrainingError: The loss is no number any more, the disk is full, or no photo can be read
                any more.
        """
        config, trainer, meter = self.config, self.trainer, Meter(self.accelerator)
        ahead = prefetch(self.patches, self.step, config.workers)
        with interruptible() as interrupted, closing(ahead) as batches:
            begin, next_save = time.perf_counter() - self.elapsed, math.inf
            while True:
                self.elapsed = time.perf_counter() - begin
                stop = interrupted.is_set() or time.monotonic() >= until
                progress, stop = self._agreed(self.progress, stop)
                last = progress >= 1
                if self.curves and (self.step % config.evaluate_every == 0 or last):
                    self.curves.validate(trainer.average.module, self.validation, self.step)
                    self.accelerator.log({"run/validation": self.curves.psnr}, step=self.step)
                    self._tell_lost()
                full = self.curves and self.curves.just_ended()  # what was learned may still fit
                due = self.step % config.save_every == 0 or self.elapsed >= next_save
                if due or last or stop or full:
                    self.save()
                    next_save = self.elapsed + 60 * (config.save_minutes or math.inf)
                if last or stop:
                    return last

                begun = time.perf_counter()
                lr, hr = (x.to(self.accelerator.device) for x in self._next(batches))
                waited = time.perf_counter() - begun
                log = trainer.step(self.step, lr, hr, config.schedule_at(progress))
                trainer.update_average()
                self.step += 1
                times = {"seconds": time.perf_counter() - begun, "waited": waited}
                meter.add(log | {name: torch.tensor(value) for name, value in times.items()})
                if self.step % config.log_every == 0:
                    self.log(meter.take())

    @property
    def progress(self) -> float:
        """Share of this stretch's budget that is used up."""
        if self.config.minutes is not None:
            return self.elapsed / (60 * self.config.minutes)
        return (self.step - self.start) / self.config.steps

    def log(self, means: dict[str, float]) -> None:
        """Show the means over the last steps.

        Raises:
            TrainingError: One of them is no number.
        """
        if not all(map(math.isfinite, means.values())):
            raise TrainingError(self._diverged())
        self.accelerator.log(means, step=self.step)
        if self.curves:
            self.curves.add(means, self.step, self.progress)

    def save(self) -> None:
        """Write checkpoint and weights, each replaced in one step.

        Raises:
            TrainingError: A weight is no number any more, or the disk is full; what was saved
                before is untouched.
        """
        if not self.trainer.is_finite():
            raise TrainingError(self._diverged())
        if self.curves is None:
            return
        generator = self.trainer.average.module
        state = {
            "config": {"stage": self.config.stage, **vars(self.config)},
            "generator": {"blocks": generator.blocks, "channels": generator.channels},
            **{"step": self.step, "start": self.start, "elapsed": self.elapsed},
            "trainer": self.trainer.state_dict(),
            "inputs": self.inputs,
        }
        try:
            save_checkpoint(state, self.checkpoint)
            self.saved = self.step
            weights = self.folder / f"{self.config.stage}.safetensors"
            card = describe(self.config, self.step, self.photos, self.validation, self.curves.psnr)
            save_weights(generator, weights, card | {"command": self.command})
        except (OSError, SafetensorError) as error:
            message = f"cannot save at step {self.step}: {error}. {self._kept()}"
            raise TrainingError(message) from error

    def _next(self, batches: Iterator[Batch]) -> Batch:
        """Take the next batch, and say which photos were lost since the last.

        Raises:
            TrainingError: All are, to any process; says so after saving.
        """
        batch, reason = None, "another process lost its photos"
        try:
            batch = next(batches)
        except ImageError as error:
            reason = str(error)
        self._tell_lost()
        _, gone = self._agreed(0.0, batch is None)
        if gone:
            self.save()
            raise TrainingError(
                f"{reason}. Saved at step {self.step}: put the photos back and --resume"
            )
        return batch

    def _tell_lost(self) -> None:
        for name, photos in (("train", self.photos), ("validation", self.validation)):
            if news := photos.news():
                lines = [f"  skipped {line}" for line in news]
                self._say(
                    "\n".join([*lines, f"{name}: {photos.usable} of {len(photos)} photos left"])
                )

    def _say(self, text: str) -> None:
        if self.curves:
            self.curves.say(text)
        else:
            sys.stderr.write(f"{text}\n")

    def _generator(self, state: dict[str, Any] | None) -> Generator:
        if state:
            return Generator(**state["generator"])
        if self.config.init:
            return load_weights(self.config.init)
        generator = Generator(self.config.blocks, self.config.channels)
        begin_as_nearest(generator)
        return generator

    def _agreed(self, progress: float, stop: bool) -> tuple[float, bool]:
        """Let all processes decide alike: the clock or the signal of any of them counts."""
        if self.accelerator.num_processes == 1:
            return progress, stop
        device = self.accelerator.device
        both = torch.tensor([progress, float(stop)], dtype=torch.float64, device=device)
        progress, stop = self.accelerator.reduce(both, "max").tolist()
        return progress, stop > 0

    def _diverged(self) -> str:
        remedy = "a lower --rate or --precision fp32"
        if self.saved is None:
            advice = f"Begin again with {remedy}."
        else:  # --resume takes the same options alone
            less = ", without --init," if self.config.init else ""
            advice = (
                f"To go on from there with {remedy}, begin a new stretch{less} with "
                f"--continue-from {self.folder} and another --out."
            )
        return (
            f"the loss is no number any more at step {self.step} or a few steps before it. "
            f"{self._kept()} {advice}"
        )

    def _kept(self) -> str:
        if self.saved is None:
            return "Nothing had been saved before."
        return f"{self.checkpoint} is untouched; it is from step {self.saved}."


def uses_bf16(precision: str) -> bool:
    """Tell what a config's precision means on this machine."""
    if precision != "auto":
        return precision == "bf16"
    if torch.accelerator.is_available():
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return has_native_bf16()

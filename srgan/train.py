"""Train SRResNet, and SRGAN from it: `srgan train srresnet --help`.

The loop: evaluate, save, stop, one step, average, log. A run is a folder:

* `srresnet.safetensors` or `srgan.safetensors`: the averaged generator, the last one. Never the one
  with the best PSNR, which of a GAN would be the one that is least like one;
* `checkpoint.pt`: all that `--resume` and `--continue-from` need; `config.json`: the options;
* `events.out.tfevents…`: curves and sample pictures for `tensorboard --logdir`.

Deviations from the paper (arXiv 1609.04802v5; those of the losses are in `losses.py`):

* The weights that count are a running average; the learning rate warms up and is annealed within
  the budget, which is far smaller than the paper's 10^6 and 2 x 10^5 steps. SRResNet's is higher.
* A new generator begins as nearest-neighbour enlarging (`initialise.py`); the paper is silent.
* Crops are mirrored and turned, and drawn in proportion to the photos' area; the paper draws 16
  distinct images. Gradients are clipped.
* In the adversarial stage the generator's batch normalisation keeps SRResNet's running statistics
  (its scale and shift still learn), the discriminator learns alone at first, and the crops are cut
  at a random offset before discriminator and features see them.
"""

import math
import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import set_seed
from safetensors import SafetensorError

from srgan import __version__
from srgan.data import Patches, Photos, prefetch
from srgan.images import SCALE, ImageError
from srgan.metrics import MIN_SIDE
from srgan.models import Generator
from srgan.training.arguments import parse
from srgan.training.checkpoint import load_checkpoint, save_checkpoint
from srgan.training.config import TrainConfig
from srgan.training.curves import Curves, Meter
from srgan.training.forward import keep_memory
from srgan.training.initialise import begin_as_nearest
from srgan.training.interrupt import interruptible
from srgan.training.same import differences, inputs, moved
from srgan.training.steps import Trainer
from srgan.upscale import has_native_bf16
from srgan.weights import load_weights, read_card, save_weights

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
        state = self._find_state(resume)
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
        self.inputs, notes = self._same_inputs(state if resumed else None)
        size = config.crop // SCALE
        share = accelerator.process_index, accelerator.num_processes
        self.patches = Patches(self.photos, size, config.batch, config.seed, *share)
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

    def train(self) -> bool:
        """Train to the end of the budget; return False if interrupted, after saving.

        Raises:
            TrainingError: The loss is no number any more, the disk is full, or no photo can be read
                any more.
        """
        config, trainer, meter = self.config, self.trainer, Meter(self.accelerator)
        ahead = prefetch(self.patches, self.step, config.workers)
        with interruptible() as interrupted, closing(ahead) as batches:
            begin = time.perf_counter() - self.elapsed
            while True:
                self.elapsed = time.perf_counter() - begin
                progress, stop = self._agreed(self.progress, interrupted.is_set())
                last = progress >= 1
                if self.curves and (self.step % config.evaluate_every == 0 or last):
                    self.curves.validate(trainer.average.module, self.validation, self.step)
                    self._tell_lost()
                full = self.curves and self.curves.just_ended()  # what was learned may still fit
                if self.step % config.save_every == 0 or last or stop or full:
                    self.save()
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
            save_weights(generator, weights, self._card())
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
            print(text, file=sys.stderr)

    def _find_state(self, resume: bool) -> dict[str, Any] | None:
        """Load the checkpoint to go on from, if there is one."""
        config = self.config
        if self.checkpoint.exists():
            if not resume:
                raise ValueError(
                    f"{self.folder} already holds a run: --resume it or choose another --out"
                )
            state = load_checkpoint(self.checkpoint)
            auto = "bf16" if _is_bf16("auto") else "fp32"
            inputs = state.get("inputs", {})
            self._refuse(differences(config, state["config"], inputs, auto))
            return state
        if config.continue_from is None:
            return None
        state = load_checkpoint(Path(config.continue_from) / "checkpoint.pt")
        if (stage := state["config"]["stage"]) != config.stage:
            raise ValueError(
                f"{config.continue_from} is a run of {stage}: start from its weights with --init"
            )
        return state

    def _refuse(self, changed: list[str]) -> None:
        if changed:
            raise ValueError(
                f"{self.folder} was begun with other options ({', '.join(changed)}): resume "
                "with those in its config.json, or begin a new stretch with --continue-from"
            )

    def _same_inputs(
        self, state: dict[str, Any] | None
    ) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """Describe files and photos; of a resumed run, say which moved and refuse others."""
        photos = {"images": self.photos, "validation": self.validation}
        now = inputs(self.config, photos)
        before = state.get("inputs", {}) if state else {}
        notes, others = moved(now, before)
        self._refuse(others)
        return {
            **now,
            **{name: {**before[name], "path": now[name]["path"]} for name in before},
        }, notes

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

    def _card(self) -> dict[str, str]:
        config = self.config
        card = {
            "model": {"srresnet": "SRResNet", "srgan": "SRGAN"}[config.stage],
            "steps": str(self.step),
            "features": config.features,
            "data": f"{config.images}: {_count(self.photos)}",
            "validation": f"{self.validation.folder}: {self.curves.psnr:.3f} dB PSNR, today's "
            f"protocol, {len(self.validation)} photos",
            "command": self.command,
            "config": config.to_json(),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": f"srgan {__version__}, torch {torch.__version__}",
        }
        if config.init:
            card["init"] = f"{config.init}: {read_card(config.init).get('steps', 'unknown')} steps"
        return card

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


def _count(photos: Photos) -> str:
    lost = len(photos) - photos.usable
    loss = f" ({lost} more could not be read any more)" if lost else ""
    return f"{photos.usable} photos, {photos.megapixels:.0f} megapixels{loss}"


def _fail(error: object) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 1


def _is_bf16(precision: str) -> bool:
    if precision != "auto":
        return precision == "bf16"
    if torch.accelerator.is_available():
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return has_native_bf16()


def main(argv: Sequence[str] | None = None, program: str = "python -m srgan.train") -> int:
    """Run the command line; return 0 when done, 1 after an error, 130 when interrupted."""
    typed = list(sys.argv[1:] if argv is None else argv)
    config, resume = parse(typed, program)
    accelerator = Accelerator(
        mixed_precision="bf16" if _is_bf16(config.precision) else "no",
        cpu=not torch.accelerator.is_available(),
    )
    if "MASTER_PORT" in os.environ and os.environ.get("ACCELERATE_USE_CPU") == "True":
        # What was asked for would silently be one process, or two that each train alone.
        return _fail("for processes on a CPU say accelerate launch --multi_gpu; --cpu needs MPI")
    set_seed(config.seed)
    keep_memory()
    again = shlex.join([arg for arg in typed if arg != "--resume"])
    command = f"{program} {again}"
    try:
        run = Run(config, resume, accelerator, command)
    except (ValueError, OSError) as error:
        return _fail(error)
    try:
        done = run.train()
    except TrainingError as error:
        return _fail(error)
    finally:
        if run.curves:
            run.curves.close()
    if run.curves:
        if done:
            print(f"wrote {run.folder / config.stage}.safetensors, {run.step} steps")
        else:
            print(f"saved at step {run.step}; go on with\n  {command} --resume")
    return 0 if done else 130


if __name__ == "__main__":
    code = main()
    PartialState().destroy_process_group()  # else its threads may abort the exit
    sys.exit(code)

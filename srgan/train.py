"""Train SRResNet, and SRGAN from it: `srgan train srresnet --help`.

A run is a folder:

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
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator, PartialState
from accelerate.tracking import get_available_trackers
from accelerate.utils import set_seed

from srgan.training.arguments import parse
from srgan.training.config import TrainConfig
from srgan.training.forward import keep_memory
from srgan.training.run import Run, TrainingError, uses_bf16
from srgan.training.same import is_complete

INTERRUPTED = 130  # the exit status, as a shell has it


def _fail(error: object) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 1


def main(argv: Sequence[str] | None = None, program: str = "python -m srgan.train") -> int:
    """Run the command line; return 0 when done, 1 after an error, 130 when interrupted."""
    typed = list(sys.argv[1:] if argv is None else argv)
    stages, resume, minutes = parse(typed, program)
    until = math.inf if minutes is None else time.monotonic() + 60 * minutes
    config = stages[0]
    if config.device == "cuda" and not torch.cuda.is_available():
        return _fail("--device cuda, and there is no CUDA GPU that this PyTorch can use")
    trackers = [name.strip() for name in config.trackers.split(",") if name.strip()]
    known = [str(name) for name in get_available_trackers()] if trackers else []
    if unknown := [name for name in trackers if name not in known]:
        return _fail(
            f"--trackers {', '.join(unknown)}: not installed, or unknown to accelerate; here are "
            f"{', '.join(known) or 'none'}"
        )
    accelerator = Accelerator(
        **{"log_with": trackers or None, "project_dir": config.out},
        mixed_precision="bf16" if uses_bf16(config.precision) else "no",
        cpu=config.device == "cpu" or not torch.accelerator.is_available(),
    )
    if "MASTER_PORT" in os.environ and os.environ.get("ACCELERATE_USE_CPU") == "True":
        # What was asked for would silently be one process, or two that each train alone.
        return _fail("for processes on a CPU say accelerate launch --multi_gpu; --cpu needs MPI")
    if trackers:
        chosen = {name: x for name, x in vars(config).items() if x is not None}
        accelerator.init_trackers("srgan", chosen)
    set_seed(config.seed)
    keep_memory()
    again = shlex.join([arg for arg in typed if arg != "--resume"])
    command = f"{program} {again}"
    code = 0
    for config in stages:
        begun = (Path(config.out) / "checkpoint.pt").exists() if resume is None else resume
        if resume is None and begun and is_complete(config):
            continue
        code = _run(config, begun, accelerator, command, until)
        if code == INTERRUPTED and accelerator.is_main_process:
            print(f"go on with\n  {command}{'' if resume is None else ' --resume'}")
        if code:
            break
    for tracker in accelerator.trackers:
        tracker.finish()
    return code


def _run(
    config: TrainConfig, resume: bool, accelerator: Accelerator, command: str, until: float
) -> int:
    """Run one stage; returns the exit status."""
    try:
        run = Run(config, resume, accelerator, command)
    except (ValueError, OSError) as error:
        return _fail(error)
    try:
        done = run.train(until)
    except TrainingError as error:
        return _fail(error)
    finally:
        if run.curves:
            run.curves.close()
    if run.curves:
        if done:
            print(f"wrote {run.folder / config.stage}.safetensors, {run.step} steps")
        else:
            print(f"saved at step {run.step}; ", end="")
    return 0 if done else INTERRUPTED


if __name__ == "__main__":
    code = main()
    PartialState().destroy_process_group()  # else its threads may abort the exit
    sys.exit(code)

"""Time of a training step beside the plainest PyTorch loop: same network, batch and photos.

The plain loop is what one writes first: fp32, default memory layout, the network's own forward, a
photo opened, cropped and shrunk with Pillow for every item of the batch. Both loops take turns in
one run, so that what else the machine does slows both. On a busy one, --processor-time compares
them on one thread by the time they computed, whatever they had to wait for.

Of our step it also says how many multiplications and additions its convolutions and matrix products
have (GFLOP), at what rate they are done, and what share that is of the rate of a product of two
2048 x 2048 matrices in the same precision, timed between the rounds.

    python -m benchmarks.training --images ../shared/data/train
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.machine import describe
from srgan.data import Patches, Photos, prefetch
from srgan.images import SCALE
from srgan.losses import adversarial_loss, discriminator_loss
from srgan.models import Discriminator, Generator
from srgan.training.config import SRGANConfig, TrainConfig
from srgan.training.forward import keep_memory
from srgan.training.steps import Trainer
from srgan.upscale import has_native_bf16

SIDE = 2048  # of the matrices whose product is the yardstick
Step = Callable[[], float]  # one training step; returns the seconds it waited for data


def plain_batches(folder: Path, batch: int, patch: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """Open, crop and shrink a photo for every item, in the training loop."""
    files = sorted(folder.iterdir())
    while True:
        small, large = [], []
        for path in random.choices(files, k=batch):
            photo = Image.open(path).convert("RGB")
            x, y = (random.randint(0, side - patch) for side in photo.size)
            crop = photo.crop((x, y, x + patch, y + patch))
            shrunk = crop.resize((patch // SCALE,) * 2, Image.Resampling.BICUBIC)
            small.append(torch.from_numpy(np.array(shrunk)).permute(2, 0, 1).float() / 255)
            large.append(torch.from_numpy(np.array(crop)).permute(2, 0, 1).float() / 127.5 - 1)
        yield torch.stack(small), torch.stack(large)


def plain(config: TrainConfig, trainer: Trainer) -> Step:
    """Return the plain loop's step; the content loss is the same as ours."""
    batches = plain_batches(Path(config.images), config.batch, config.patch)
    generator = Generator().train(config.stage == "srresnet")
    optimizer = torch.optim.Adam(generator.parameters(), config.rate)

    def srresnet() -> float:
        begin = time.perf_counter()
        lr, hr = next(batches)
        waited = time.perf_counter() - begin
        loss = trainer.content(generator(lr), hr)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return waited

    if not isinstance(config, SRGANConfig):
        return srresnet
    discriminator = Discriminator(config.patch, config.discriminator_channels)
    second = torch.optim.Adam(discriminator.parameters(), config.discriminator_rate)

    def srgan() -> float:
        begin = time.perf_counter()
        lr, hr = next(batches)
        waited = time.perf_counter() - begin
        sr = generator(lr)
        loss = discriminator_loss(discriminator(hr), discriminator(sr.detach()))
        second.zero_grad()
        loss.backward()
        second.step()
        loss = trainer.content(sr, hr) + 1e-3 * adversarial_loss(discriminator(sr))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return waited

    return srgan


def ours(config: TrainConfig, trainer: Trainer) -> Step:
    """Return the step of `srgan.train`."""
    photos = Photos(config.images, config.crop)
    patches = Patches(photos, config.crop // SCALE, config.batch)
    batches = prefetch(patches, 0, config.workers)
    steps = iter(range(10**9))

    def step() -> float:
        begin = time.perf_counter()
        lr, hr = next(batches)
        waited = time.perf_counter() - begin
        trainer.step(next(steps), lr, hr, 1.0)
        trainer.update_average()
        return waited

    return step


class CountedFlops(TorchDispatchMode):
    """Count as torch's `FlopCounterMode`, which takes no `autograd.grad` at a module's input."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        """Run an operation and add what it computes."""
        result = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func.overloadpacket):
            self.total += count(*args, **(kwargs or {}), out_val=result)
        return result


def matrix_product(dtype: torch.dtype) -> Step:
    """Return a step that multiplies two 2048 x 2048 matrices."""
    a = torch.randn(SIDE, SIDE).to(dtype)

    def product() -> float:
        torch.mm(a, a)
        return 0.0

    return product


def measure(
    loops: dict[str, Step], rounds: int, steps: int, clock: Callable[[], float]
) -> dict[str, tuple[float, float]]:
    """Return each loop's median step time [s] and its share of waiting for data."""
    times: dict[str, list[float]] = {name: [] for name in loops}
    waits: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(rounds + 1):  # the first is not counted
        for name, step in loops.items():
            for _ in range(steps):
                begin = clock()
                waited = step()
                if number:
                    times[name].append(clock() - begin)
                    waits[name].append(waited)
    return {n: (statistics.median(times[n]), sum(waits[n]) / sum(times[n])) for n in loops}


def main() -> None:
    """Print a table for each stage."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--images", required=True, help="folder of photos of at least 104 pixels")
    parser.add_argument("--rounds", type=int, default=4, help="turns of each loop [%(default)s]")
    parser.add_argument("--steps", type=int, default=5, help="steps in a turn [%(default)s]")
    parser.add_argument("--processor-time", action="store_true", help="see above")
    arguments = parser.parse_args()
    clock = time.process_time if arguments.processor_time else time.perf_counter
    if arguments.processor_time:
        torch.set_num_threads(1)
    keep_memory()  # as srgan.train does
    precision = "bf16" if has_native_bf16() else "no"
    accelerator = Accelerator(cpu=True, mixed_precision=precision)
    paths = {"images": arguments.images, "validation": "", "out": ""}
    # The plain crops are as large as those that the discriminator sees: no margin for ours either.
    gan = {"init": "", "features": "efficientnet-lite0", "discriminator_warmup": 0, "margin": 0}
    print(f"{describe()}, ours in {precision}, batch and crops as in the paper")
    for config in (TrainConfig(**paths), SRGANConfig(**paths, **gan)):
        trainer = Trainer(config, Generator(), accelerator)
        loops = {"plain": plain(config, trainer), "ours": ours(config, trainer)}
        loops["product"] = matrix_product(torch.bfloat16 if precision == "bf16" else torch.float32)
        results = measure(loops, arguments.rounds, arguments.steps, clock)
        product, _ = results.pop("product")
        for name, (seconds, share) in results.items():
            waiting = "" if arguments.processor_time else f", {share:5.1%} waiting for data"
            print(f"{config.stage:9} {name:6} {seconds:6.3f} s a step{waiting}")
        print(f"{config.stage:9} {results['plain'][0] / results['ours'][0]:.2f} times as fast")
        with CountedFlops() as counted:
            loops["ours"]()
        rate, most = counted.total / results["ours"][0], 2 * SIDE**3 / product
        print(
            f"{config.stage:9} {counted.total / 1e9:.0f} GFLOP a step, {rate / 1e9:.0f} GFLOP/s, "
            f"{rate / most:.0%} of a matrix product's {most / 1e9:.0f} GFLOP/s"
        )


if __name__ == "__main__":
    main()

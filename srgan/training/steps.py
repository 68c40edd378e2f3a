"""One training step of either stage: what is computed, weighted, and changed.

The generator's losses are differentiated at its output, one by one, before their weighted sum goes
back through the network. That costs nothing more, lets every loss's gradient be measured and its
weight held at a ratio, and keeps each network's step from touching the other.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from accelerate import Accelerator
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from srgan.features import load_features
from srgan.losses import (
    adversarial_loss,
    artifact_loss,
    consistency_loss,
    discriminator_loss,
    grid_loss,
    load_content,
    total_variation,
)
from srgan.models import Generator
from srgan.training.adversary import enlarged, frozen, judge_both, make_discriminator
from srgan.training.config import SRGANConfig, TrainConfig
from srgan.training.forward import fast_forward
from srgan.training.optimisers import Both, adam, generator_optimizer
from srgan.training.sync_batch_norm import synchronise

Log = dict[str, torch.Tensor]
Cut = Callable[[torch.Tensor], torch.Tensor]
SMOOTHING = 0.98  # of the measured gradient norms: over 50 steps


class Trainer:
    """The networks, their optimisers and the average of the generator.

    Every process holds the same; gradients, norms and batch statistics are averaged over processes.

    Args:
        config: What to train and how.
        generator: Trained in place.
        accelerator: Device, precision and processes.
        start: First step of this stretch; warm-ups count from it.
        new: The discriminator is a new one and learns alone at first.
    """

    def __init__(
        self,
        config: TrainConfig,
        generator: Generator,
        accelerator: Accelerator,
        start: int = 0,
        new: bool = True,
    ) -> None:
        self.config, self.accelerator, self.start = config, accelerator, start
        self.alone = config.discriminator_warmup if isinstance(config, SRGANConfig) and new else 0
        self.content = self._placed(load_content(config.features, config.features_weights))
        learns_statistics = config.stage == "srresnet" and not config.freeze_normalisation
        self.generator = self._placed(generator).train(learns_statistics)
        self.average = AveragedModel(self.generator, use_buffers=True).requires_grad_(False).eval()
        self.generator_optimizer = generator_optimizer(config, self.generator)
        self.late = [group["late"] for group in self.generator_optimizer.param_groups]
        self.discriminator: nn.Module | None = None
        if isinstance(config, SRGANConfig):
            features = None
            if config.discriminator == "heads":
                files = config.discriminator_features, config.discriminator_features_weights
                features = self._placed(load_features(*files))
            self.discriminator = self._placed(make_discriminator(config, features)).train()
            self.discriminator_optimizer = adam(self.discriminator.parameters(), config.beta2)
        self.norms: Log = {}  # smoothed, of each loss's gradient at the image
        if accelerator.num_processes > 1:
            for network in filter(None, (self.generator, self.discriminator)):
                synchronise(network)
        self._enlarge = torch.compile(fast_forward) if config.compile else fast_forward

    def step(self, step: int, lr: torch.Tensor, hr: torch.Tensor, rate: float) -> Log:
        """Take one step of the generator, in the adversarial stage after one of the discriminator.

        Args:
            step: Number of the step; the random cut depends on it and the seed alone.
            lr: (N, 3, h, w) in [0, 1].
            hr: (N, 3, 4h, 4w) in [-1, 1].
            rate: Share of the full learning rate, as the schedule has it.

        Returns:
            Losses, norms of gradients and rates, each ().
        """
        into = step - self.start - self.alone
        self._set_rates(into, rate)
        with self.accelerator.autocast(), torch.set_grad_enabled(into >= 0):
            sr = self._enlarge(self.generator, lr)
        sr = sr.float()
        log = {"rate": torch.tensor(self.generator_optimizer.param_groups[0]["lr"])}
        cut = self._cut(step)
        if self.discriminator is not None:
            log |= self._discriminator_step(sr.detach(), lr, hr, cut)
        if into >= 0:
            log |= self._generator_step(sr, lr, hr, cut)
        return log

    def update_average(self) -> None:
        """Let the average follow the generator; of n steps it remembers n / 10 at most."""
        n = self.average.n_averaged.item()  # stays on the CPU
        decay = min(self.config.decay, n / (n + 10))
        self.average.multi_avg_fn = get_ema_multi_avg_fn(decay)
        self.average.update_parameters(self.generator)

    def state_dict(self) -> dict[str, Any]:
        """All that changes from step to step."""
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        return parts | {"norms": dict(self.norms)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the state of another trainer of the same stage and sizes.

        Raises:
            ValueError: It does not fit; says where.
        """
        for name, part in self._parts().items():
            try:
                part.load_state_dict(state[name])
            except (KeyError, ValueError, RuntimeError) as error:
                raise ValueError(f"its {name.replace('_', ' ')} does not fit: {error}") from None
        device = self.accelerator.device
        self.norms = {name: norm.to(device) for name, norm in state["norms"].items()}

    def is_finite(self) -> bool:
        """Tell whether all weights are still numbers."""
        networks = filter(None, (self.generator, self.discriminator))
        return all(bool(p.isfinite().all()) for network in networks for p in network.parameters())

    def _parts(self) -> dict[str, Any]:
        names = ["generator", "average", "generator_optimizer"]
        if self.discriminator is not None:
            names += ["discriminator", "discriminator_optimizer"]
        return {name: getattr(self, name) for name in names}

    def _placed(self, network: nn.Module) -> Any:  # noqa: ANN401 - the type it was given
        return network.to(self.accelerator.device, memory_format=torch.channels_last)

    def _set_rates(self, into: int, rate: float) -> None:
        """Set the learning rates; `into` counts from the generator's first step."""
        config = self.config
        full = config.rate * rate * min(1, max(0, into + 1) / max(1, config.warmup))
        for group, late in zip(self.generator_optimizer.param_groups, self.late, strict=True):
            asleep = late and isinstance(config, SRGANConfig) and into < config.freeze_upsampling
            group["lr"] = 0.0 if asleep else full
        if isinstance(config, SRGANConfig):
            for group in self.discriminator_optimizer.param_groups:
                group["lr"] = config.discriminator_rate * rate

    def _cut(self, step: int) -> Cut:
        """Return the function that cuts large crops at this step's random offset."""
        if self.discriminator is None:
            return lambda images: images
        side = self.config.patch
        rng = np.random.default_rng((self.config.seed, step, 2**32 - 1))  # no crop has this number
        y, x = (int(v) for v in rng.integers(self.config.crop - side + 1, size=2))
        return lambda images: images[..., y : y + side, x : x + side]

    def _seen(self, lr: torch.Tensor, cut: Cut) -> Cut:
        """Return what the discriminator sees of the generator's crops: a cut, and what it is told.

        Args:
            lr: The small input.
            cut: Of this step.
        """
        if not self.config.condition:
            return cut
        told = cut(enlarged(lr))
        return lambda images: torch.cat([cut(images), told], 1)

    def _discriminator_step(
        self, sr: torch.Tensor, lr: torch.Tensor, hr: torch.Tensor, cut: Cut
    ) -> Log:
        gan, seen = self.config.gan, self._seen(lr, cut)
        with self.accelerator.autocast():
            real, fake = judge_both(self.discriminator, seen(hr), seen(sr))
        pairs = [*zip(real, fake, strict=True)]
        loss = torch.stack([discriminator_loss(r, f, gan) for r, f in pairs]).mean()
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = self._update(self.discriminator, self.discriminator_optimizer)
        right = [r > f if gan == "relativistic" else torch.cat([r > 0, f < 0]) for r, f in pairs]
        log = {"loss": loss.detach(), "gradient": norm}
        for name, values in (("right", right), ("real", real), ("fake", fake)):
            log[name] = torch.stack([x.detach().float().mean() for x in values]).mean()
        return {f"discriminator/{name}": value for name, value in log.items()}

    def _generator_step(
        self, sr: torch.Tensor, lr: torch.Tensor, hr: torch.Tensor, cut: Cut
    ) -> Log:
        image = sr.detach().requires_grad_()
        gradients, log = {}, {}
        for name, loss in self._losses(lr, hr, cut).items():
            with self.accelerator.autocast():
                value = loss(image)
            (gradients[name],) = torch.autograd.grad(value, image)
            log[f"loss/{name}"] = value.detach()
        norms = {name: self._root_mean_square(g) for name, g in gradients.items()}
        for name, norm in norms.items():
            self.norms[name] = torch.lerp(norm, self.norms.get(name, norm), SMOOTHING)
        weights = self._weights()
        self.generator_optimizer.zero_grad(set_to_none=True)
        sr.backward(sum(weights[name] * gradient for name, gradient in gradients.items()))
        log["gradient"] = self._update(self.generator, self.generator_optimizer)
        log |= {f"gradient/{name}": weights[name] * norm for name, norm in norms.items()}
        log |= {f"weight/{name}": torch.as_tensor(weights[name]) for name in gradients}
        return log

    def _losses(
        self, lr: torch.Tensor, hr: torch.Tensor, cut: Cut
    ) -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
        """Return the losses that are in use, as functions of the generator's output."""
        config = self.config
        losses = {"content": lambda sr: self.content(cut(sr), cut(hr))}
        if config.total_variation:
            losses["total_variation"] = total_variation
        if isinstance(config, SRGANConfig):
            losses["adversarial"] = self._adversarial_loss(hr, self._seen(lr, cut))
            if config.artifacts:
                with torch.no_grad(), self.accelerator.autocast():
                    average = fast_forward(self.average.module, lr)
                losses["artifacts"] = lambda sr: artifact_loss(sr, average, hr)
            if config.consistency:
                losses["consistency"] = lambda sr: consistency_loss(sr, lr)
            if config.grid:
                losses["grid"] = lambda sr: grid_loss(sr, hr)
            if config.pixel:
                losses["pixel"] = lambda sr: F.l1_loss(sr, hr)
        return losses

    def _adversarial_loss(
        self, hr: torch.Tensor, seen: Cut
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the mean of the judges' losses as a function of the generator's output."""
        judge, gan = frozen(self.discriminator), self.config.gan
        real = None
        if gan == "relativistic":
            with torch.no_grad(), self.accelerator.autocast():
                real = judge(seen(hr))

        def loss(sr: torch.Tensor) -> torch.Tensor:
            fake = judge(seen(sr))
            pairs = zip(fake, real or fake, strict=True)
            return torch.stack([adversarial_loss(f, r, gan) for f, r in pairs]).mean()

        return loss

    def _weights(self) -> dict[str, float | torch.Tensor]:
        config = self.config
        weights = {"content": config.content_weight, "total_variation": config.total_variation}
        if isinstance(config, SRGANConfig):
            content = config.content_weight * self.norms["content"]
            held = lambda name, ratio: ratio * content / self.norms[name].clamp_min(1e-30)  # noqa: E731
            weights |= {"adversarial": config.adversarial, "pixel": config.pixel}
            weights |= {"grid": config.grid, "artifacts": config.artifacts}
            if config.adversarial_ratio is not None:
                weights["adversarial"] = held("adversarial", config.adversarial_ratio)
            if config.consistency:
                weights["consistency"] = held("consistency", config.consistency)
        return weights

    def _root_mean_square(self, gradient: torch.Tensor) -> torch.Tensor:
        return self.accelerator.reduce(gradient.square().mean(), "mean").sqrt()

    def _update(self, network: nn.Module, optimizer: torch.optim.Optimizer | Both) -> torch.Tensor:
        """Average the gradients over processes, shorten them, step; return their length before."""
        # By hand instead of DistributedDataParallel, which follows a network's `forward` and one
        # backward pass from it; here it is another forward, and the discriminator has two.
        parameters = [p for p in network.parameters() if p.grad is not None]
        if self.accelerator.num_processes > 1:
            gradients = self.accelerator.reduce([p.grad for p in parameters], "mean")
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
        norm = nn.utils.clip_grad_norm_(parameters, self.config.clip)
        optimizer.step()
        return norm

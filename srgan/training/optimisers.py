"""What turns gradients into steps: Adam, as in the paper, or Muon for the inner convolutions.

Muon (Jordan et al. 2024) is torch's own, which takes matrices only. A convolution's weight
(out, in, kh, kw) lies in channels-last memory as (out, kh, kw, in), so it has a matrix
(out, kh * kw * in) as a view: Muon steps on the views, and no weight is copied. The order of the
columns does not matter to it. Libraries that take convolutions as they are bring a dozen other
optimisers along.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from srgan.models import Generator
from srgan.training.config import TrainConfig

LATE = ("upsample.", "tail.")


def adam(parameters: Any, beta2: float = 0.999) -> torch.optim.Adam:  # noqa: ANN401 - as Adam's
    """Return the paper's optimiser."""
    return torch.optim.Adam(parameters, betas=(0.9, beta2), fused=True)


def generator_optimizer(config: TrainConfig, generator: Generator) -> "torch.optim.Adam | Both":
    """Return the generator's optimiser; its groups say whether they are `late`: after the body."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in generator.named_parameters():
        # Not the first and the last convolution: their sides are colours.
        inner = parameter.ndim == 4 and not name.startswith(("head.", "tail."))
        matrix = config.optimizer == "muon" and inner
        groups.setdefault((matrix, name.startswith(LATE)), []).append(parameter)
    plain, matrices = (
        [{"params": groups[key], "late": key[1]} for key in groups if key[0] is kind]
        for kind in (False, True)
    )
    first = adam(plain, config.beta2)
    return Both(first, Muon(matrices)) if matrices else first


class Muon(torch.optim.Muon):
    """torch's Muon on convolutions, at rates that suit Adam.

    Args:
        groups: With parameters (out, in, kh, kw) in channels-last memory.
    """

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        self._pairs: list[tuple[nn.Parameter, nn.Parameter]] = []
        matrices = [{**group, "params": [*map(self._matrix, group["params"])]} for group in groups]
        super().__init__(matrices, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")

    def step(self, closure: None = None) -> None:
        """Step along the gradients of the convolutions."""
        for weight, matrix in self._pairs:
            matrix.grad = None if weight.grad is None else _rows(weight.grad)
        super().step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of the convolutions."""
        super().zero_grad(set_to_none)
        for weight, _ in self._pairs:
            weight.grad = None

    def _matrix(self, weight: nn.Parameter) -> nn.Parameter:
        matrix = nn.Parameter(_rows(weight.detach()))
        if matrix.data_ptr() != weight.data_ptr():
            raise ValueError("Muon needs convolutions in channels-last memory")
        self._pairs.append((weight, matrix))
        return matrix


class Both:
    """Two optimisers of one network as one."""

    def __init__(self, *parts: torch.optim.Optimizer) -> None:
        self.parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of both; their rates may be set."""
        return [group for part in self.parts for group in part.param_groups]

    def step(self) -> None:
        """Step along the gradients."""
        for part in self.parts:
            part.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The states of both."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the states of both.

        Raises:
            ValueError: They are those of another optimiser.
        """
        if len(state.get("parts", ())) != len(self.parts):
            raise ValueError("it was saved by another --optimizer")
        for part, saved in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(saved)


def _rows(weight: torch.Tensor) -> torch.Tensor:
    return weight.permute(0, 2, 3, 1).flatten(1)

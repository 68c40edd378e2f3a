"""Batch normalisation over a batch that several processes share.

torch's own `SyncBatchNorm` does this on GPUs only. This one does it wherever torch.distributed
does, so that two processes on a CPU train as one.
"""

import torch
from torch import distributed, nn


class _Sum(torch.autograd.Function):
    """Sum over all processes; the gradient of a sum is the sum of the gradients."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        distributed.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.contiguous().clone()
        distributed.all_reduce(gradient)
        return gradient


class SyncBatchNorm2d(nn.BatchNorm2d):
    """`nn.BatchNorm2d`, in training over the batches of all processes, which must be of one size.

    Each process back-propagates its own loss, a mean over its share of the batch; the mean of the
    processes' gradients is then the gradient of the mean over the whole batch.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same shape and type; computed in fp32."""
        if not self.training:
            return super().forward(x)
        processes = distributed.get_world_size()
        values = x.float()
        mean = _Sum.apply(values.mean((0, 2, 3))) / processes
        centred = values - mean.view(1, -1, 1, 1)
        variance = _Sum.apply(centred.square().mean((0, 2, 3))) / processes
        with torch.no_grad():
            count = values.numel() / values.shape[1] * processes
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * (variance + self.eps).rsqrt()
        y = centred * scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
        return y.to(x.dtype)


def synchronise(network: nn.Module) -> None:
    """Make every batch normalisation of a network count over all processes, in place."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SyncBatchNorm2d  # the same parameters and buffers, another forward

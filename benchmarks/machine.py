"""What the numbers of a benchmark were measured on."""

import platform

import torch

from srgan.upscale import Precision, has_native_bf16


def precisions() -> list[Precision]:
    """Name the precisions that this processor computes in; the others it would emulate."""
    return ["fp32", "bf16"] if has_native_bf16() else ["fp32"]


def describe() -> str:
    """Say the instruction set, the threads and torch's version in a line."""
    instructions = torch.backends.cpu.get_cpu_capability().replace("DEFAULT", "baseline")
    bf16 = "with" if has_native_bf16() else "without"
    threads = f"{torch.get_num_threads()} threads, torch {torch.__version__}"
    return f"{platform.machine()} {instructions} {bf16} bf16, {threads}"

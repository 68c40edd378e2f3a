"""Seconds of SRResNet in our upscaler, in plain PyTorch and in other runtimes, on this machine.

All take turns in one process on equal threads, so that what else the machine does slows all alike.
Ours goes from 8-bit pixels to 8-bit pixels, the others from floats to floats. They get the
untouched network and fold it themselves; those that are not installed are named. Differences are
those to plain PyTorch in fp32. The limit is the time that as many multiplications as the untouched
network has take in PyTorch's product of two 2048 x 2048 matrices. A precision that the processor
has not is left out; no round begins after two minutes of them.

    pip install '.[bench]'
    python -m benchmarks.runtimes
"""

import argparse
import contextlib
import copy
import importlib.util
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import describe, precisions
from srgan.images import Image, to_image, to_lr
from srgan.models import Generator
from srgan.upscale import NETWORKS, WEIGHTS, NetworkUpscaler
from srgan.weights import load_weights

Floats = NDArray[np.float32]
Run = Callable[[], Floats]  # the output, (1, 3, 4h, 4w), nominally in [-1, 1]
Key = tuple[str, str]  # precision, name
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
NEEDS = {
    "OpenVINO": ("openvino", "onnx", "onnxscript"),
    "ONNX Runtime": ("onnxruntime", "onnx", "onnxscript"),
    "ncnn": ("ncnn", "pnnx"),
}
MATRIX = 2048
REST = 0.2  # [s] before each run: threads of the one before wait in a loop for a while
PATIENCE = 120.0  # [s], after which no round begins


def eager(generator: Generator, x: torch.Tensor, precision: str) -> Run:
    """Prepare the untouched network as it is, memory layout and all."""
    dtype = DTYPES[precision]
    network, x = copy.deepcopy(generator).to(dtype), x.to(dtype)

    @torch.inference_mode()
    def run() -> Floats:
        return network(x).float().numpy()

    return run


def export_onnx(generator: Generator, x: torch.Tensor, folder: Path) -> Path:
    """Write the network as ONNX, once."""
    path = folder / "network.onnx"
    if not path.exists():
        with _quiet():
            torch.onnx.export(generator, (x,), path, dynamo=True, external_data=False)
    return path


def openvino(generator: Generator, x: torch.Tensor, folder: Path) -> dict[str, Run]:
    """Prepare OpenVINO."""
    from openvino import Core

    core = Core()
    model = core.read_model(export_onnx(generator, x, folder))
    runs = {}
    for precision in precisions():
        hints = {
            "INFERENCE_PRECISION_HINT": precision.replace("fp32", "f32"),
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        request = core.compile_model(model, "CPU", hints).create_infer_request()
        runs[precision] = lambda r=request: next(iter(r.infer({0: x.numpy()}).values())).copy()
    return runs


def onnx_runtime(generator: Generator, x: torch.Tensor, folder: Path) -> dict[str, Run]:
    """Prepare ONNX Runtime; it has no bf16 on processors."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    path = export_onnx(generator, x, folder)
    session = InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return {"fp32": lambda: session.run(None, {name: x.numpy()})[0]}


def ncnn(generator: Generator, x: torch.Tensor, folder: Path) -> dict[str, Run]:
    """Prepare ncnn, whose bf16 is one of storage."""
    import pnnx
    from ncnn import Mat, Net

    with _quiet(), contextlib.chdir(folder):  # it writes into the working folder
        pnnx.export(generator, "network.pt", x, fp16=False)
    runs = {}
    for precision in precisions():
        net = Net()
        net.opt.num_threads = torch.get_num_threads()
        net.opt.use_bf16_storage = precision == "bf16"
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.load_param(str(folder / "network.ncnn.param"))
        net.load_model(str(folder / "network.ncnn.bin"))

        def run(net: Net = net) -> Floats:
            extractor = net.create_extractor()
            extractor.input("in0", Mat(x[0].numpy()))
            return np.array(extractor.extract("out0")[1])[None]

        runs[precision] = run
    return runs


PEERS = {"OpenVINO": openvino, "ONNX Runtime": onnx_runtime, "ncnn": ncnn}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep converters from printing, the programs they start included."""
    with warnings.catch_warnings(), open(os.devnull, "w") as nowhere:
        warnings.simplefilter("ignore")
        kept = [os.dup(1), os.dup(2)]
        try:
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
                yield
        finally:
            for number, copied in enumerate(kept, 1):
                os.dup2(copied, number)
                os.close(copied)


def missing(peer: str) -> list[str]:
    """Name the packages that a peer needs and this environment lacks."""
    return [package for package in NEEDS[peer] if importlib.util.find_spec(package) is None]


def prepare(generator: Generator, lr: Image, folder: Path) -> dict[Key, Run]:
    """Prepare every runtime that is there, ours first."""
    x = to_lr(lr)
    runs: dict[Key, Run] = {}
    for precision in precisions():
        upscaler = NetworkUpscaler(generator, precision=precision)
        runs[precision, "ours"] = lambda u=upscaler: u(lr)
        runs[precision, "PyTorch, eager"] = eager(generator, x, precision)
    for peer, prepare_peer in PEERS.items():
        if not missing(peer):
            for precision, run in prepare_peer(generator, x, folder).items():
                runs[precision, peer] = run
    return runs


def levels(output: Image | Floats) -> NDArray[np.int16]:
    """Make an output comparable: (H, W, 3) pixels as they are, floats as an image of them."""
    image = output if output.dtype == np.uint8 else to_image(torch.from_numpy(output))
    return image.astype(np.int16)


def medians(runs: dict[Key, Callable[[], object]], rounds: int) -> tuple[dict[Key, float], int]:
    """Median seconds of each run, taken in turn, and of how many; the first is not counted."""
    times: dict[Key, list[float]] = {key: [] for key in runs}
    end = time.monotonic() + PATIENCE
    for number in range(rounds + 1):
        if number > 1 and time.monotonic() > end:
            break
        for key, run in runs.items():
            time.sleep(REST)
            start = time.perf_counter()
            run()
            if number:
                times[key].append(time.perf_counter() - start)
    return {key: statistics.median(t) for key, t in times.items()}, min(map(len, times.values()))


def measure(
    generator: Generator, lr: Image, rounds: int
) -> tuple[dict[Key, float], dict[Key, int], int]:
    """Return seconds, differences to PyTorch in fp32 [levels] by precision and name, and rounds."""
    with tempfile.TemporaryDirectory() as folder:
        runs = prepare(generator, lr, Path(folder))
        exact = levels(runs["fp32", "PyTorch, eager"]())
        differences = {key: int(np.abs(levels(run()) - exact).max()) for key, run in runs.items()}
        products = {(p, "limit"): product(p) for p in precisions()}
        seconds, rounds = medians({**runs, **products}, rounds)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        generator(to_lr(lr))
    for precision in precisions():
        seconds[precision, "limit"] *= counter.get_total_flops() / (2 * MATRIX**3)
    return seconds, differences, rounds


def product(precision: str) -> Callable[[], torch.Tensor]:
    """Return the product of two matrices."""
    a, b = (torch.rand(MATRIX, MATRIX).to(DTYPES[precision]) for _ in range(2))
    return lambda: a @ b


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=128, help="of the input, pixels [%(default)s]")
    parser.add_argument("--rounds", type=int, default=15, help="at most [%(default)s]")
    options = parser.parse_args(arguments)
    versions = [f"{peer} {version(NEEDS[peer][0])}" for peer in PEERS if not missing(peer)]
    print(describe(), *versions, sep=", ")
    generator = load_weights(WEIGHTS / NETWORKS["SRResNet"])
    lr = np.random.default_rng(0).integers(0, 256, (options.side, options.side, 3), np.uint8)
    seconds, differences, rounds = measure(generator, lr, options.rounds)
    print(f"input {options.side} × {options.side}, medians of {rounds} rounds\n")
    print(f"{'':21} seconds  ours = 1  largest difference [levels]")
    for precision in precisions():
        for key in (key for key in seconds if key[0] == precision):
            ratio = seconds[key] / seconds[precision, "ours"]
            row = f"{precision:5}{key[1]:16} {seconds[key]:7.3f} {ratio:9.2f}"
            print(row, f"{differences.get(key, ''):>8}")
    for peer in PEERS:
        if lacking := missing(peer):
            print(f"{peer}: not installed, lacks {', '.join(lacking)} (extra bench)")


if __name__ == "__main__":
    main()

"""What the results of an evaluation were made with."""

import hashlib
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch

from srgan.evaluation.report import FORMAT
from srgan.own_models import OwnModel
from srgan.weight_files import is_own
from srgan.weights import NETWORKS, read_card, weight_file


def describe(
    methods: Sequence[str], weights: Path, precision: str, models: Sequence[OwnModel] = ()
) -> dict[str, Any]:
    """Say what results were made with: weight files, precision, versions, machine."""
    networks = [name.lower() for name in NETWORKS if name.lower() in methods]
    files = {name: weight_file(weights, name) for name in networks}
    return {
        "format": FORMAT,
        "precision": precision,
        "weights": {
            method: {
                "file": path.relative_to(weights).as_posix(),
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "card": read_card(path),
            }
            for method, path in files.items()
        }
        | {
            model.name: {
                "file": model.file.name,
                "sha256": model.digest,
                "card": read_card(model.file) if is_own(model.file) else {"network": model.about},
            }
            for model in models
        },
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        },
        "machine": {
            "system": platform.platform(),
            "processor": torch.cpu.get_capabilities().get("cpu_name") or platform.processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
        },
    }

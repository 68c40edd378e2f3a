"""Checkpoints: all that a run needs to go on, in one file that is whole or not there."""

import os
from pathlib import Path
from typing import Any

import torch

FORMAT = "srgan.checkpoint 1"  # another value: another program, or another version of this one


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Replace the checkpoint in one step, after the new one has reached the disk.

    Args:
        state: Tensors, numbers and strings in dictionaries and lists.
        path: The file.

    Raises:
        OSError: The disk is full or the folder cannot be written; the old checkpoint is untouched.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            torch.save({"format": FORMAT, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except RuntimeError as error:  # torch's own name for a failed write
        raise OSError(f"cannot write {path}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU, without running code from it.

    Raises:
        ValueError: Not there, damaged, of another program or another version; says which.
    """
    if not path.is_file():
        raise ValueError(f"there is no checkpoint {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a broken or foreign file makes torch raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path} is not a checkpoint that can be read: {reason}") from None
    found = state.get("format") if isinstance(state, dict) else None
    if found != FORMAT:
        raise ValueError(
            f"{path} is no checkpoint of this version: its format is "
            f"{found or 'not stated'!r}, expected {FORMAT!r}"
        )
    return state

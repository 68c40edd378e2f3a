"""What a run goes on from, and whether that was begun with the same: by meaning, not as text."""

import hashlib
import json
import os
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from srgan.data import Photos
from srgan.training.checkpoint import load_checkpoint
from srgan.training.config import TrainConfig

# What has no part in the result, or is looked at by itself.
FREE = (
    *("out", "device", "photos_on_device", "cache_gb", "workers"),
    *("evaluate_every", "save_every", "save_minutes", "log_every", "trackers"),
)
FOLDERS = {"images": "train", "validation": "validation"}
FILES = ("init", "features_weights", "discriminator_features_weights", "continue_from")


def find_state(config: TrainConfig, resume: bool, auto: str) -> dict[str, Any] | None:
    """Load the checkpoint to go on from, if there is one.

    Args:
        config: As typed now.
        resume: Whether the run in its folder is to go on.
        auto: What the precision "auto" means on this machine.

    Raises:
        ValueError: It is not there, or of a run with other options; says which.
    """
    checkpoint = Path(config.out) / "checkpoint.pt"
    if checkpoint.exists():
        if not resume:
            raise ValueError(
                f"{config.out} already holds a run: --resume it or choose another --out"
            )
        state = load_checkpoint(checkpoint)
        _refuse(config, differences(config, state["config"], state.get("inputs", {}), auto))
        return state
    if config.continue_from is None:
        return None
    state = load_checkpoint(Path(config.continue_from) / "checkpoint.pt")
    if (stage := state["config"]["stage"]) != config.stage:
        raise ValueError(
            f"{config.continue_from} is a run of {stage}: start from its weights with --init"
        )
    return state


def is_complete(config: TrainConfig) -> bool:
    """Tell whether the run in a config's folder has taken all its steps.

    Raises:
        ValueError: There is no checkpoint that can be read.
    """
    state = load_checkpoint(Path(config.out) / "checkpoint.pt")
    return config.steps is not None and state["step"] - state["start"] >= config.steps


def same_inputs(
    config: TrainConfig, photos: dict[str, Photos], before: dict[str, dict[str, Any]]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Describe what a run begins with, for its checkpoint.

    Args:
        config: As typed now.
        photos: By the option that names their folder.
        before: What this made when the run began, if that is resumed.

    Returns:
        The description, and sentences on what moved or changed.

    Raises:
        ValueError: Other photos in another place.
    """
    now = inputs(config, photos)
    notes, others = moved(now, before)
    _refuse(config, others)
    kept = {name: before[name] | {"path": now[name]["path"]} for name in before if name in now}
    return now | kept, notes


def _refuse(config: TrainConfig, changed: list[str]) -> None:
    if changed:
        raise ValueError(
            f"{config.out} was begun with other options ({', '.join(changed)}): resume "
            "with those in its config.json, or begin a new stretch with --continue-from"
        )


def inputs(config: TrainConfig, photos: dict[str, Photos]) -> dict[str, dict[str, Any]]:
    """Describe the files that a run begins with, as the checkpoint keeps them.

    Args:
        config: Of the run.
        photos: By the option that names their folder.

    Returns:
        For each option of a file or folder that was given its whole "path", its "fingerprint" and,
        of photos, their "count".
    """
    described: dict[str, dict[str, Any]] = {}
    for name in (*FOLDERS, *FILES):
        path = getattr(config, name, None)
        if path is None or _names_several(path):
            continue
        described[name] = {"path": os.path.abspath(path)}
        if name in photos:
            described[name] |= {
                "fingerprint": photos[name].fingerprint,
                "count": len(photos[name]),
            }
        else:
            described[name]["fingerprint"] = _fingerprint(Path(path))
    return described


def differences(
    config: TrainConfig, stored: dict[str, Any], before: dict[str, dict[str, Any]], auto: str
) -> list[str]:
    """Name the options, among those that matter to the result, that differ from a stored run.

    Files and folders that lie elsewhere now are the same if they were not changed: `moved`
    looks at photos, which have to be read first.

    Args:
        config: As typed now.
        stored: The options of the run; one that it does not know yet has its default.
        before: Its `inputs`; of an older run none.
        auto: What the precision "auto" means on this machine.
    """
    now = json.loads(config.to_json())
    defaults = {item.name: item.default for item in fields(config) if item.default is not MISSING}
    different = []
    for key in now.keys() | stored.keys():
        if key in FREE:
            continue
        a, b = now.get(key), stored.get(key, defaults.get(key))
        if key == "precision":
            a, b = (auto if value == "auto" else value for value in (a, b))
        elif key in (*FOLDERS, *FILES) and None not in (a, b) and not _names_several(b):
            known = before.get(key, {"path": os.path.abspath(b)})
            a, b = os.path.realpath(a), os.path.realpath(known["path"])
            mark = known.get("fingerprint")
            if mark and (key in FOLDERS or _fingerprint(Path(a)) == mark):
                continue
        if a != b:
            different.append(f"--{key.replace('_', '-')}")
    return sorted(different)


def moved(
    now: dict[str, dict[str, Any]], before: dict[str, dict[str, Any]]
) -> tuple[list[str], list[str]]:
    """Compare the photos of a resumed run with those it was begun with.

    Returns:
        What is to be said about folders that moved or changed, and the options that name other
        photos in another place.
    """
    said, others = [], []
    for option, name in FOLDERS.items():
        if option not in now or option not in before:
            continue
        a, b = now[option], before[option]
        same = (a["count"], a["fingerprint"]) == (b["count"], b["fingerprint"])
        elsewhere = os.path.realpath(a["path"]) != os.path.realpath(b["path"])
        if elsewhere and same:
            said.append(f"{name}: the same {a['count']} photos as before, then in {b['path']}")
        elif elsewhere:
            others.append(f"--{option}")
        elif not same:
            said.append(
                f"{name}: {a['count']} photos, which are not the {b['count']} of the run's begin: "
                "it goes on, but not to the same bits"
            )
    return said, others


def _names_several(path: str) -> bool:
    """Tell `NAME=FILE,NAME=FILE`, which is compared as text, from one path."""
    return "=" in path and not os.path.exists(path)


def _fingerprint(path: Path) -> str | None:
    """Of a weight file, or of a run by its checkpoint; None if it is not there."""
    file = path / "checkpoint.pt" if path.is_dir() else path
    if not file.is_file():
        return None
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()

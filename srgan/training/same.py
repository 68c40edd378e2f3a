"""Whether a run is resumed with what it was begun with: options by what they mean, not as text."""

import hashlib
import json
import os
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from srgan.data import Photos
from srgan.training.config import TrainConfig

# What has no part in the result, or is looked at by itself.
FREE = ("out", "cache_gb", "workers", "evaluate_every", "save_every", "log_every")
FOLDERS = {"images": "train", "validation": "validation"}
FILES = ("init", "features_weights", "continue_from")


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
        if (path := getattr(config, name)) is None:
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
        elif key in (*FOLDERS, *FILES) and None not in (a, b):
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


def _fingerprint(path: Path) -> str | None:
    """Of a weight file, or of a run by its checkpoint; None if it is not there."""
    file = path / "checkpoint.pt" if path.is_dir() else path
    if not file.is_file():
        return None
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()

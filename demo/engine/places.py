"""Where the page keeps what outlives it."""

import os
import sys
from pathlib import Path


def data_folder() -> Path:
    """Return the folder for results and votes.

    It is SRGAN_DATA, else `data/` of a checkout, else, installed, the folder where this system
    keeps what programs store for a user.
    """
    if named := os.environ.get("SRGAN_DATA"):
        return Path(named)
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "weights").is_dir():
        return checkout / "data"
    if sys.platform == "win32":
        base, home = os.environ.get("LOCALAPPDATA"), "AppData/Local"
    elif sys.platform == "darwin":
        base, home = None, "Library/Application Support"
    else:
        base, home = os.environ.get("XDG_DATA_HOME"), ".local/share"
    return (Path(base) if base else Path.home() / home) / "srgan"

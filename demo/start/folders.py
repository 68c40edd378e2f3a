"""Where the demo writes: results and votes, and the pictures that Gradio serves."""

import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from demo.start import StartError

DATA, RESULTS, VOTES, PICTURES = "SRGAN_DATA", "RESULTS_DIR", "RATINGS_DB", "GRADIO_TEMP_DIR"
_CHECKOUT = Path(__file__).parents[2]
_NAME = "srgan"


class Folders(NamedTuple):
    """What is written outlives the process here."""

    results: Path
    votes: Path  # the file
    is_lasting: bool  # whether the votes are still there when the machine starts anew
    notice: str = ""  # for the person who starts it


def find_folders() -> Folders:
    """Choose places that can be written, and name Gradio's in the environment.

    What is made there is for this user alone. RESULTS_DIR and RATINGS_DB name the places of results
    and votes. Otherwise they are in SRGAN_DATA, else in the user's data folder, else in a temporary
    one; where a checkout holds votes from before, they stay there.

    Raises:
        StartError: No place can be written, or not the one that was asked for.
    """
    os.umask(0o077)
    _leave_what_is_gone()
    named = os.environ.get(PICTURES)
    pictures = Path(named) if named else own_temporary() / "gradio"
    _must_write(pictures, f"{PICTURES}={named}" if named else str(pictures), PICTURES)
    os.environ[PICTURES] = str(pictures.resolve())  # Gradio compares paths as they are written
    results, votes = os.environ.get(RESULTS), os.environ.get(VOTES)
    for name, folder in ((RESULTS, results), (VOTES, votes and Path(votes).parent)):
        if folder:
            _must_write(Path(folder), f"{name}={os.environ[name]}", name)
    if results and votes:
        return Folders(Path(results), Path(votes), is_lasting=True)
    data, is_lasting, notice = _data()
    if votes:
        is_lasting, notice = True, ""
    return Folders(
        Path(results or data / "results"), Path(votes or data / "ratings.db"), is_lasting, notice
    )


def own_temporary() -> Path:
    """Return a folder among the temporary ones that is this user's alone, the same every time.

    Raises:
        StartError: None can be written.
    """
    try:
        folder = Path(tempfile.gettempdir()) / f"{_NAME}-{os.getuid() if _has_users() else 'demo'}"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if _is_own(folder):
            return folder
        return Path(tempfile.mkdtemp(prefix=f"{_NAME}-"))  # somebody else has taken the name
    except OSError as error:
        raise StartError(
            f"no temporary folder can be written ({error.strerror}). Set TMPDIR to one with room."
        ) from error


def _leave_what_is_gone() -> None:
    """Go to the code's folder if the working directory was deleted: Gradio asks for its name."""
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd is the same
    except FileNotFoundError:
        os.chdir(_CHECKOUT)


def _data() -> tuple[Path, bool, str]:
    """Return the folder of results and votes, whether it lasts, and what is to be said."""
    if named := os.environ.get(DATA):
        _must_write(Path(named), f"{DATA}={named}", DATA)
        return Path(named), True, ""
    checkout = _CHECKOUT / "data"
    # A Space forgets its disk when it restarts.
    is_lasting = "SPACE_ID" not in os.environ
    for folder in (checkout if (checkout / "ratings.db").exists() else None, _users_data()):
        if folder and _why_not(folder) is None:
            return folder, is_lasting, ""
    folder = own_temporary() / "data"
    _must_write(folder, str(folder), DATA)
    notice = (
        f"Data are in {folder}, which may be emptied: no lasting folder of this user can be "
        f"written. Set {DATA} to one to keep the votes of the blind test."
    )
    return folder, False, notice


def _users_data() -> Path | None:
    """Return where this user's programs keep their data; None if nobody knows."""
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Application Support"
        else:
            named = Path(os.environ.get("XDG_DATA_HOME", ""))
            base = named if named.is_absolute() else Path.home() / ".local" / "share"
    except RuntimeError:  # neither HOME nor an entry for this user
        return None
    return base / _NAME if base.is_absolute() else None


def _must_write(folder: Path, what: str, name: str) -> None:
    if reason := _why_not(folder):
        raise StartError(
            f"{what} cannot be written ({reason}). Set {name} to a place of your own with room."
        )


def _why_not(folder: Path) -> str | None:
    """Make a folder and a file in it; return why that fails."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _has_users() -> bool:
    return hasattr(os, "getuid")


def _is_own(folder: Path) -> bool:
    """Whether it is a folder, no link, that nobody else may enter; closes it to them if it is."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    if not _has_users():
        return True
    if status.st_uid != os.getuid():
        return False
    folder.chmod(0o700)
    return True

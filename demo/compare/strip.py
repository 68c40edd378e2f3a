"""The film strip of a visitor's set: its photos, how far each is, and how the work goes on.

strip.html, strip.css and strip.js lie beside this file, see `demo.parts.templates`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradio.data_classes import FileData, GradioModel

from demo.engine.photo_set import INPUT as SMALL
from demo.engine.photo_set import Photo, PhotoSet
from demo.engine.sets import MAX_FILES
from demo.engine.table import caption
from demo.parts.templates import Display
from demo.viewer.show import key_of
from demo.viewer.viewer import INPUT, ORIGINAL, ComparerData, Pane
from srgan.images import SCALE


class StripPhoto(GradioModel):
    """One photo of the strip."""

    id: str  # of what the viewer shows of it
    name: str
    state: str  # "waiting", "working", "done" or "refused"
    note: str = ""  # why it was refused; that it is a pair or a small image
    share: float = 0.0  # of the work, while working
    stage: str = ""  # another one whenever the panes show something else
    file: FileData | None = None  # thumbnail


class Refused(GradioModel):
    """A file that was not taken."""

    name: str
    reason: str


class StripData(GradioModel):
    """Everything the strip shows."""

    id: str = ""  # of the set
    version: int = 0  # the strip passes over what is older than what it shows
    chosen: str = ""  # id of the photo to look at
    choice: int = 0  # the strip takes it if it is newer than its own
    turn: int = 0  # how often the work was begun
    wants_work: bool = False  # whether the page should ask for the next photo
    is_working: bool = False  # whether there is something to stop
    is_stopped: bool = False  # whether there is something to go on with
    line: str = ""  # "3 of 14, about 40 s left"
    share: float = 0.0  # of the set
    most: int = MAX_FILES  # files that are looked at
    photos: list[StripPhoto] = []
    refused: list[Refused] = []


class Strip(Display):
    """Shows StripData. It uploads what is given to it: see intake.js.

    Events: `opened` with the browser's `token`; `added` with uploaded `files` and those `refused`;
    `chose` with a photo's `id` and the number of the `choice`; `look` and `tabulate` when panes and
    table should be renewed; `work` to begin the next photo; `halt` and `resume`. What a client
    sends can be anything.
    """

    data_model = StripData
    files = Path(__file__).with_suffix("")


def strip_data(photo_set: PhotoSet, seconds: float | None, **about: Any) -> StripData:  # noqa: ANN401
    """Return what the strip shows of a set.

    Args:
        photo_set: The set.
        seconds: That its photos will still take, None if nobody knows.
        about: Of the page that shows it: `chosen`, `choice` and `is_worker`, whether it is this
            page that works on the set.
    """
    with photo_set.lock:
        waiting, working = photo_set.count("waiting"), photo_set.count("working")
        wants = about.pop("is_worker") and waiting and not (working or photo_set.is_stopped)
        refused = [Refused(name=name, reason=reason) for name, reason in photo_set.refused]
        refused += [
            Refused(name=p.name, reason=p.reason) for p in photo_set.photos if p.state == "refused"
        ]
        return StripData(
            id=photo_set.id,
            version=photo_set.version,
            turn=photo_set.turn,
            wants_work=bool(wants),
            is_working=bool(working or waiting) and not photo_set.is_stopped,
            is_stopped=bool(waiting) and photo_set.is_stopped,
            line=_line(photo_set, seconds),
            share=1 - photo_set.pixels_left() / max(1, photo_set.pixels),
            photos=[_photo(photo) for photo in photo_set.photos],
            refused=refused,
            **about,
        )


def _line(photo_set: PhotoSet, seconds: float | None) -> str:
    done, total = photo_set.count("done"), len(photo_set.photos) - photo_set.count("refused")
    if done == total:
        return f"{total} photo{'s' * (total != 1)}, all done" if total else ""
    if photo_set.is_stopped:
        return f"Stopped at {done} of {total}"
    return f"{done} of {total}" + (f", about {max(1, round(seconds))} s left" if seconds else "")


def _photo(photo: Photo) -> StripPhoto:
    path = photo.files.get("thumbnail")
    kind = "" if photo.has_original else "small image, no original"
    return StripPhoto(
        id=photo.id,
        name=photo.stem,
        state=photo.state,
        note=photo.reason or ("with its small version" if photo.small else kind),
        share=photo.share,
        stage=photo.stage,
        file=FileData(path=str(path), orig_name="thumbnail.png") if path else None,
    )


def photo_panes(photo: Photo, methods: Sequence[str]) -> ComparerData:
    """Return what the viewer shows of a photo of a set, however far it is."""
    height, width = photo.size
    small = {"width": width // SCALE, "height": height // SCALE}
    panes = [_pane(photo, SMALL, INPUT, "Small input", "small", **small)]
    panes += [_pane(photo, m, key_of(m), m, f"{key_of(m)}_x{SCALE}") for m in methods]
    if photo.has_original:
        panes.append(_pane(photo, ORIGINAL, ORIGINAL, "Original", "original"))
    return ComparerData(id=photo.id, panes=panes, is_kept=True)


def _pane(photo: Photo, kept: str, key: str, name: str, suffix: str, **size: int) -> Pane:
    size = size or {"width": photo.size[1], "height": photo.size[0]}
    path = photo.files.get(kept)
    if path is None:
        is_working = photo.working == kept
        state, share = ("working", photo.share) if is_working else ("waiting", 0.0)
        return Pane(key=key, name=name, state=state, done=share, **size)
    scores = photo.scores.get(kept)
    file = FileData(path=str(path), orig_name=f"{photo.stem}_{suffix}.png", mime_type="image/png")
    text = caption(scores, "today") if scores else ""
    return Pane(key=key, name=name, state="ready", caption=text, file=file, **size)

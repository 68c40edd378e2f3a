"""What the strip's events do: a visitor's photos come in, one after another is worked on."""

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from pydantic import BaseModel, Field, ValidationError

from demo.compare.outputs import Outputs, Update, failed
from demo.compare.strip import Refused, StripData, photo_panes, strip_data
from demo.compare.turn import Turn
from demo.engine.names import pair
from demo.engine.pace import Pace
from demo.engine.photo_set import Photo, PhotoSet, make_photo
from demo.engine.sets import MAX_AT_WORK, MAX_FILES, MAX_PHOTOS, MAX_PIXELS, Sets
from demo.parts.links import NOT_UPLOADED
from srgan.images import ImageError
from srgan.upscale import Upscaler

BUSY = (
    f"{MAX_AT_WORK} sets are being worked on here already. Please try again in some minutes, or "
    "with a single photo."
)
BEYOND = f"beyond the {MAX_PHOTOS} photos of a set"
GONE = Refused(
    name="Your set",
    reason="it is no longer kept, as an hour has passed or the server's room was needed",
)
logger = logging.getLogger(__name__)


class Visit:
    """One page of a visitor: which photo of the set it looks at. Kept on the server."""

    def __init__(self) -> None:
        self.token = ""  # of the visitor, see `Sets`
        self.runner = 0  # its number among those that work on the set
        self.chosen, self.choice = "", 0  # id of a photo, and how often one was chosen
        self.number = 0  # of the turn in which it was chosen


class GivenFile(BaseModel):
    """A file as the strip has uploaded it."""

    name: str = Field(max_length=1000)  # with folders
    path: str = Field(max_length=4000)


class NotTaken(BaseModel):
    """A file that the browser's side has refused."""

    name: str = Field(max_length=1000)
    reason: str = Field(max_length=1000)


class Added(BaseModel):
    """What the event `added` brings."""

    files: list[GivenFile] = Field(max_length=MAX_FILES)
    refused: list[NotTaken] = Field(max_length=10_000)


class SetHandlers:
    """The event handlers of the strip.

    Args:
        sets: Of all visitors.
        upscalers: Methods in the order of their panes.
        max_output_pixels: Largest image that a method may make.
        outputs: What the handlers change beside the strip.
        pace: Learns how long photos take.
    """

    def __init__(
        self,
        sets: Sets,
        upscalers: Sequence[Upscaler],
        max_output_pixels: int,
        outputs: Outputs,
        pace: Pace,
    ) -> None:
        self._sets, self._upscalers, self._limit = sets, upscalers, max_output_pixels
        self._page, self._pace = outputs, pace
        self._methods = [upscaler.name for upscaler in upscalers]

    def add(self, mode: str, visit: Visit, turn: Turn, event: gr.EventData) -> Iterator[StripData]:
        """Take uploaded files into the set, one after another; each is looked at first."""
        try:
            asked = Added.model_validate(event._data)  # noqa: SLF001 - all of it
            photo_set = self._sets.of(visit.token)
            files = [_uploaded(file.path) for file in asked.files]
        except (ValidationError, ValueError):
            raise gr.Error(NOT_UPLOADED, print_exception=False) from None
        with photo_set.lock:
            photo_set.refused += [(one.name, one.reason) for one in asked.refused]
            if visit.runner != photo_set.runner or not visit.runner:
                visit.runner = photo_set.claim()
            photo_set.is_stopped = False
            photo_set.change()
        self._take_in(photo_set, asked, files, mode)
        yield from self.follow(visit, turn)

    def _take_in(self, photo_set: PhotoSet, asked: Added, files: Sequence[Path], mode: str) -> None:
        """Look at new photos in the background: a page that is reloaded meanwhile loses none."""
        names, is_busy = [file.name for file in asked.files], self._sets.is_busy(photo_set)

        def read_all() -> None:
            try:
                for given in pair(names):
                    if photo_set.is_gone:
                        break
                    photo = make_photo(given, names, files, mode)
                    taken = len(photo_set.photos) - photo_set.count("refused")
                    beyond = "" if taken < MAX_PHOTOS else BEYOND
                    if why := photo.reason or (BUSY if is_busy else beyond):
                        photo_set.refuse(photo, why)
                    else:
                        photo_set.read(photo, self._limit, MAX_PIXELS - photo_set.pixels)
            except Exception as error:
                logger.exception("New photos cannot be looked at")
                photo_set.refused.append(("The other photos", failed(error)))
            finally:
                photo_set.reading -= 1
                photo_set.change()

        photo_set.reading += 1
        threading.Thread(target=read_all, name="new photos", daemon=True).start()

    def follow(self, visit: Visit, turn: Turn) -> Iterator[StripData]:
        """Show new photos as they are looked at; the first of a set is chosen."""
        photo_set, version = self._sets.find(visit.token), None
        while photo_set and photo_set.reading:
            self._choose_first(photo_set, visit, turn)
            if photo_set.version != version:
                version = photo_set.version
                yield self.strip(photo_set, visit)
            time.sleep(0.1)
        if photo_set:
            self._choose_first(photo_set, visit, turn)
        yield self.strip(photo_set, visit)

    def _choose_first(self, photo_set: PhotoSet, visit: Visit, turn: Turn) -> None:
        first = next((p for p in photo_set.photos if p.state != "refused"), None)
        if first and not photo_set.is_begun:
            photo_set.is_begun = True
            self._choose(photo_set, visit, turn, first.id, visit.choice + 1)

    def choose(self, visit: Visit, turn: Turn, event: gr.EventData) -> StripData:
        """Look at a photo of the set; the page then asks what it shows."""
        photo_set, data = self._sets.find(visit.token), event._data  # noqa: SLF001 - any JSON
        data = data if isinstance(data, dict) else {}
        id, choice = data.get("id"), data.get("choice")
        if photo_set and type(choice) is int and photo_set.find(id):
            self._choose(photo_set, visit, turn, id, choice)
        return self.strip(photo_set, visit)

    def _choose(self, photo_set: PhotoSet, visit: Visit, turn: Turn, id: str, choice: int) -> None:
        visit.chosen, visit.choice, visit.number = id, choice, turn.begin().number
        photo_set.chosen = id
        photo_set.change()

    def look(self, visit: Visit, turn: Turn) -> Update:
        """Show the chosen photo, however far it is, unless another picture was asked for since."""
        photo_set = self._sets.find(visit.token)
        photo = photo_set and photo_set.find(visit.chosen)
        if not photo or not turn.is_on(visit.number):
            return self._page.nothing()
        _keep(photo_set, photo)
        is_ready, page = photo.state == "done", self._page
        panes = photo_panes(photo, self._methods)
        update = page.comparison(panes, photo.scores) | page.place() | page.rest(is_ready)
        said = photo.reason or " ".join([f"{photo.name}.", *photo.notes])
        mode = "original" if photo.has_original else "small"
        about = {page.status: said, page.source: str(photo.source), page.mode: mode}
        return update | about | {page.photo: None} | page.running(False)

    def work(self, visit: Visit) -> Iterator[Any]:
        """Work on one photo, as long as this page is the one that does; then the page asks again.

        Each photo waits in the queue anew, so that those of other people come in between.
        """
        photo_set = self._sets.find(visit.token)
        photo = photo_set and photo_set.take(visit.runner)
        if not photo:
            yield self.strip(photo_set, visit)
            return
        runner = visit.runner
        try:
            for is_shown in photo_set.work_on(photo, self._upscalers, self._pace):
                if photo_set.runner != runner or photo_set.is_stopped or photo_set.is_gone:
                    break
                yield self.strip(photo_set, visit) if is_shown else gr.skip()
        except ImageError as error:
            photo.state, photo.reason = "refused", str(error)
        except Exception as error:
            logger.exception("A photo of a set failed")
            photo.state, photo.reason = "refused", failed(error)
        finally:
            photo_set.release(photo, runner)
        yield self.strip(photo_set, visit)

    def halt(self, visit: Visit) -> StripData:
        """Stop the work; what is done stays."""
        return self._stopped(visit, True)

    def resume(self, visit: Visit) -> StripData:
        """Go on with what waits."""
        photo_set = self._sets.find(visit.token)
        if photo_set and visit.runner != photo_set.runner:
            visit.runner = photo_set.claim()
        return self._stopped(visit, False)

    def _stopped(self, visit: Visit, is_stopped: bool) -> StripData:
        photo_set = self._sets.find(visit.token)
        if photo_set:
            photo_set.is_stopped = is_stopped
            photo_set.change()
        return self.strip(photo_set, visit)

    def reopen(self, photo_set: PhotoSet, visit: Visit, turn: Turn, is_linked: bool) -> None:
        """Go on with a set on a page that was opened anew; it works on it from now on."""
        visit.runner = photo_set.claim()
        with photo_set.lock:
            for photo in photo_set.photos:
                _keep(photo_set, photo)
        if photo_set.find(photo_set.chosen) and not is_linked:
            self._choose(photo_set, visit, turn, photo_set.chosen, visit.choice + 1)
        photo_set.change()

    def strip(self, photo_set: PhotoSet | None, visit: Visit) -> StripData:
        """Return what the strip shows on a page."""
        if photo_set is None or photo_set.is_gone:
            is_told = photo_set and not photo_set.is_forgotten
            return StripData(choice=visit.choice, refused=[GONE] if is_told else [])
        is_worker = visit.runner == photo_set.runner
        seconds = self._pace.seconds(photo_set.pixels_left())
        about = {"chosen": visit.chosen, "choice": visit.choice, "is_worker": is_worker}
        return strip_data(photo_set, seconds, **about)


def _keep(photo_set: PhotoSet, photo: Photo) -> None:
    """Let the files of a photo grow no older; if some are gone it waits to be made again."""
    try:
        for path in photo.files.values():
            os.utime(path)  # Gradio's delete_cache goes by age
    except OSError:
        if photo.state == "done":
            photo.files, photo.scores, photo.state = {}, {}, "waiting"
            photo_set.change()
    for path in filter(None, (photo.source, photo.small)):
        with suppress(OSError):
            path.touch()


def _uploaded(path: str) -> Path:
    """Return the path of an upload.

    Raises:
        ValueError: It is none.
    """
    uploads, file = Path(get_upload_folder()).resolve(), Path(path)
    # As Gradio lays them: <uploads>/<digest>/<name>; what we make lies deeper, or is no upload.
    if not (file.is_absolute() and file.resolve().parent.parent == uploads and file.is_file()):
        raise ValueError("not an upload")
    return file

"""Folders of images to measure on: originals, with the small images they are judged from."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from srgan.images import SCALE, Image, ImageError, crop_to_scale, shrink
from srgan.reading import read_picture, read_size

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif"}


@dataclass(frozen=True)
class ImageSet:
    """Originals with the small images they are judged from."""

    name: str
    pairs: tuple[tuple[Path, Path | None], ...]  # original, and small image or None to shrink it

    @property
    def lr(self) -> str:
        """Where the small images come from."""
        return "small images as stored" if self.pairs[0][1] else "small images by shrink"

    def only(self, index: int) -> "ImageSet":
        """Return the set of one of the images."""
        return ImageSet(self.name, self.pairs[index : index + 1])

    def read(self) -> Iterator[tuple[str, Image, Image]]:
        """Yield name, original (4h, 4w, 3) and small image (h, w, 3), one after another.

        Raises:
            ValueError: A file is not a picture, or the two do not fit; names it and the reason.
        """
        return map(self.load, range(len(self.pairs)))

    def load(self, index: int, notes: list[str] | None = None) -> tuple[str, Image, Image]:
        """Return one of what `read` yields.

        Args:
            index: Of the pair.
            notes: Gets what was changed in the files, in sentences.

        Raises:
            ValueError: A file is not a picture, or the two do not fit; names it and the reason.
        """
        hr_path, lr_path = self.pairs[index]
        hr = crop_to_scale(read_named(hr_path, notes))
        if lr_path is None:
            return image_name(hr_path), hr, shrink(hr)
        lr = read_named(lr_path, notes)
        if hr.shape != (SCALE * lr.shape[0], SCALE * lr.shape[1], 3):
            raise ValueError(
                f"{lr_path} has {lr.shape[1]} x {lr.shape[0]} pixels, and {hr_path} cropped to "
                f"multiples of {SCALE} has {hr.shape[1]} x {hr.shape[0]}: expected a quarter"
            )
        return image_name(hr_path), hr, lr


def find_set(folder: Path) -> ImageSet:
    """Find the images of a folder: pairs of equal names in HR/ and LR/, or photos to shrink.

    Raises:
        ValueError: No folder, nothing in it, or a picture without its other; names it.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: expected one of images, or with HR/ and LR/")
    path = Path(os.path.abspath(folder))  # a link to a set has the link's name
    name = path.parent.name if path.name == "HR" else path.name
    hr, lr = folder / "HR", folder / "LR"
    if not hr.is_dir():
        photos = find_images(folder)
        if not photos:
            raise ValueError(f"{folder} has no images and no HR/{_hint(folder)}")
        return ImageSet(name, tuple((path, None) for path in photos.values()))
    originals = find_images(hr)
    if not originals:
        raise ValueError(f"{hr} has no images")
    if not lr.is_dir():
        return ImageSet(name, tuple((path, None) for path in originals.values()))
    small = find_images(lr)
    if alone := sorted(originals.keys() ^ small.keys()):
        where, other = (hr, lr) if alone[0] in originals else (lr, hr)
        raise ValueError(f"{where} has {alone[0]} and {other} has not; {len(alone)} are alone so")
    return ImageSet(name, tuple((path, small[stem]) for stem, path in originals.items()))


def find_images(folder: Path) -> dict[str, Path]:
    """Find the image files of a folder, sorted, by name without ending.

    Raises:
        ValueError: Two have the same name; names them.
    """
    images: dict[str, Path] = {}
    for path in filter(is_image, sorted(folder.iterdir())):
        if (name := image_name(path)) in images:
            raise ValueError(f"{images[name]} and {path.name} have the same name: rename one")
        images[name] = path
    return images


def image_name(path: Path) -> str:
    """Return what an image is called: without its ending, if it is one of an image."""
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def is_image(path: Path) -> bool:
    """Tell by a file's content whether it is an image, whatever its name; hidden files are none.

    One that is called an image is one, too: if it cannot be read, that is to be said.
    """
    if path.name.startswith("."):
        return False
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        return bool(read_size(path))
    except ImageError:
        return False


def _hint(folder: Path) -> str:
    inside = sorted(path.name for path in folder.iterdir() if path.is_dir())[:5]
    return f"; did you mean the folders in it ({', '.join(inside)})?" if inside else ""


def read_named(path: Path, notes: list[str] | None = None) -> Image:
    """Read a picture as `read_image`; the `ValueError` names the file. `notes` gets its notes."""
    try:
        picture = read_picture(path)
    except ImageError as error:
        raise ValueError(f"{path}: {error}") from None
    if notes is not None:
        notes += picture.notes
    return picture.image

"""Picture files up to the pixels: known by content, looked over, refused in words."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import PIL.Image
from PIL.ExifTags import Base as Tag

from srgan.guard import MeteredFile, check_file, check_opened
from srgan.images import ImageError

MAX_DECODED_PIXELS = 64_000_000  # a 61-megapixel camera's photo fits

T = TypeVar("T")
_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")  # JPEG includes phones' MPO
HEAD = 12  # bytes that tell a format
_MAGIC = re.compile(
    rb"\x89PNG|\xff\xd8\xff|RIFF....WEBP|....ftyp(avi[fs]|mif1|msf1)|II[*+]\0|MM\0[*+]|BM|GIF8",
    re.DOTALL,
)
_HEIC = re.compile(rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL)


def look_into(path: str | Path, use: Callable[[PIL.Image.Image], T], max_pixels: int) -> T:
    """Open a file, with its pixels not yet decoded, and return what `use` makes of it.

    Raises:
        ImageError: Not there, no such format, broken, or too large: whatever a broken file makes
            Pillow raise, in `use`, too.
    """
    try:
        if not Path(path).is_file():
            raise ImageError("There is no such file, or it is a folder. Choose a picture file.")
        with MeteredFile(open(path, "rb", buffering=0)) as file:
            return _look_into(file, use, max_pixels)
    except OSError as error:
        raise ImageError("This file cannot be opened. Check that you may read it.") from error


def is_picture(head: bytes) -> bool:
    """Tell by the first `HEAD` bytes whether a file is in one of the formats that are read here."""
    return bool(_MAGIC.match(head))


def looks_like_picture(path: Path) -> bool:
    """Tell it of a file."""
    try:
        if path.is_file():  # a pipe would be waited for
            with path.open("rb") as file:
                return is_picture(file.read(HEAD))
    except OSError:
        pass
    return False


def _look_into(file: MeteredFile, use: Callable[[PIL.Image.Image], T], max_pixels: int) -> T:
    head = file.read(4096)
    try:
        check_file(file)
        opened = PIL.Image.open(file, formats=_FORMATS)
        file.opened = True
        if opened.width * opened.height > max_pixels:
            raise ImageError(_too_large(opened.width * opened.height, max_pixels))
        check_opened(opened)
        if opened.format == "TIFF":
            check_tiff(opened, max_pixels)
        return use(opened)
    except ImageError:
        raise
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        pixels, limit = map(int, re.findall(r"\d+", str(error)))  # Pillow's own limit comes first
        raise ImageError(_too_large(pixels, min(limit, max_pixels))) from error
    except MemoryError as error:
        raise ImageError("There is too little memory for this picture. Make it smaller.") from error
    except Exception as error:
        raise ImageError(_refusal(head)) from error


def _too_large(pixels: int, limit: int) -> str:
    size = f"This picture has {pixels / 1e6:g} megapixels; the limit is {limit / 1e6:g} megapixels."
    return f"{size} Make it smaller and try again."


def _refusal(head: bytes) -> str:
    """Say what a file that cannot be decoded is, by its first bytes."""
    if not head:
        return "This file is empty. Download or copy it again."
    if _HEIC.match(head) and b"avif" not in head[:64]:
        return (
            "This is a HEIC photo, which cannot be read here. Export it as JPEG (an iPhone takes "
            "JPEG with Settings, Camera, Formats, Most Compatible) and try again."
        )
    if _MAGIC.match(head):
        what = "This picture is damaged, cut off, or stored in a way that cannot be read here."
        return f"{what} Open it in an image editor, save it as PNG and try again."
    if b"<svg" in head:
        return "This is an SVG drawing, which has no pixels. Export it as PNG in the size you need."
    return "This is no picture that can be read here. Use PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF."


def stored_as(opened: PIL.Image.Image) -> str:
    """Return Pillow's name for the samples of a PNG or TIFF ("RGB;16B"), "" for other formats."""
    if opened.format not in ("PNG", "TIFF"):
        return ""
    args = opened.tile[0].args
    return args if isinstance(args, str) else args[0]


def check_tiff(opened: PIL.Image.Image, max_pixels: int) -> None:
    """Raise a `ValueError` for what Pillow 12.3 would read, but not right."""
    tags, codec, stored = opened.tag_v2, opened.tile[0].codec_name, stored_as(opened)
    if tags.get(Tag.NewSubfileType, 0) & 1:
        raise ValueError("a camera's raw file, of which Pillow would give the thumbnail")
    if tags.get(Tag.TileWidth, 0) * tags.get(Tag.TileLength, 0) > max_pixels:
        raise ValueError("one tile, decoded whole, would be larger than any picture may be")
    if codec == "libtiff" and stored in ("F;32BF", "I;32BS", "I;16BS"):
        raise ValueError("Pillow 12.3 swaps bytes that are in order already")
    planar = tags.get(Tag.PlanarConfiguration) == 2
    if planar and codec == "raw" and tags[Tag.BitsPerSample][0] > 8:
        raise ValueError("Pillow 12.3 reads planes of 16 bits as planes of 8")

"""Enlarged pictures as files: four formats, with what the original said of itself."""

import hashlib
import re
import struct
import uuid
import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.ExifTags import IFD
from PIL.ExifTags import Base as Tag
from PIL.PngImagePlugin import PngInfo

from srgan import __version__
from srgan.guard import check_exif
from srgan.images import Image, ImageError, is_gray
from srgan.metadata import IPTC, IPTC_RESOURCE, MARK, XMP, Metadata
from srgan.opening import look_into

_MARK = re.compile(r"srgan \S+: \S+ x4 of ([0-9a-f]{16})")
_ANY_SIZE = 1 << 62  # pixels: nothing is decoded here
_SEGMENT = 65_533  # bytes that a segment of a JPEG holds


class Format(NamedTuple):
    """How a format is written."""

    ending: str
    longest: int  # side in pixels
    options: Callable[[PIL.Image.Image, Metadata, int], dict[str, Any]]


def mark(source: Path, method: str) -> str:
    """Say in one line what a picture is made of: program, method and a hash of the file."""
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"srgan {__version__}: {method} x4 of {digest[:16]}"


def made_of(path: Path) -> str | None:
    """Return the hash of the file that a picture was made of; None if its mark does not say."""

    def look(opened: PIL.Image.Image) -> object:
        check_exif({str(key): value for key, value in opened.info.items()})
        return opened.getexif().get(MARK)

    with suppress(ImageError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever decodes it says what is wrong with it
        found = _MARK.fullmatch(str(look_into(path, look, _ANY_SIZE)))
        return found and found[1]
    return None


def write_picture(
    path: Path,
    image: Image,
    alpha: NDArray[np.uint8] | None,
    metadata: Metadata | None,
    file_format: str = "png",
    quality: int = 95,
) -> None:
    """Write a picture with its metadata; replaces a file in one step.

    Args:
        path: The file, whatever its ending.
        image: (H, W, 3).
        alpha: (H, W), or None; in a JPEG the picture is laid on white.
        metadata: What goes in; None for nothing.
        file_format: Of `FORMATS`; all but JPEG keep every pixel.
        quality: Of a JPEG, 1 to 100; its colours are as fine as its luma.

    Raises:
        ValueError: The format cannot hold so large a picture; says what can.
        OSError: The folder is missing, full or read-only; what was there stays.
    """
    form = FORMATS[file_format]
    if max(image.shape[:2]) > form.longest:
        size = f"{image.shape[1]} x {image.shape[0]}"
        raise ValueError(f"{file_format} cannot hold {size} pixels: use --format png")
    metadata = metadata or Metadata()
    picture = PIL.Image.fromarray(image)
    if metadata.gray:
        picture = picture.convert("L")
    if alpha is not None:
        mask = PIL.Image.fromarray(alpha)
        if file_format == "jpeg":
            picture = PIL.Image.composite(
                picture, PIL.Image.new(picture.mode, mask.size, 255), mask
            )
        else:
            picture.putalpha(mask)
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        options = form.options(picture, metadata, quality)
        picture.save(temporary, file_format.upper(), **options)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _png(picture: PIL.Image.Image, metadata: Metadata, quality: int) -> dict[str, Any]:
    del quality
    info = PngInfo()
    for keyword, text in metadata.text.items():
        info.add_itxt(keyword, text) if not text.isascii() else info.add_text(keyword, text)
    if metadata.xmp:
        info.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
    gray = picture.mode in ("L", "LA") or is_gray(np.asarray(picture)[..., :3])
    strategy = zlib.Z_DEFAULT_STRATEGY if gray else zlib.Z_RLE  # see `images.write_png`
    compressed = {"compress_level": 1, "compress_type": strategy}
    return {"pnginfo": info, **compressed, **_exif(metadata), **_dpi(metadata)}


def _jpeg(picture: PIL.Image.Image, metadata: Metadata, quality: int) -> dict[str, Any]:
    del picture
    options: dict[str, Any] = {"quality": quality, "subsampling": 0, "optimize": True}
    options |= {**_exif(metadata), **_dpi(metadata)}
    if len(options.get("exif", b"")) > _SEGMENT:
        del options["exif"]
    if metadata.xmp and len(metadata.xmp) < _SEGMENT - 29:
        options["xmp"] = metadata.xmp
    if metadata.comment and len(metadata.comment) < _SEGMENT:
        options["comment"] = metadata.comment
    if metadata.iptc and len(metadata.iptc) < _SEGMENT - 32:
        resource = b"8BIM" + struct.pack(">HHI", IPTC_RESOURCE, 0, len(metadata.iptc))
        data = b"Photoshop 3.0\0" + resource + metadata.iptc + b"\0" * (len(metadata.iptc) % 2)
        options["extra"] = b"\xff\xed" + struct.pack(">H", len(data) + 2) + data
    return options


def _webp(picture: PIL.Image.Image, metadata: Metadata, quality: int) -> dict[str, Any]:
    del picture, quality
    exif = metadata.exif
    if metadata.dpi and exif:  # it has no other place for them
        exif[Tag.XResolution], exif[Tag.YResolution] = metadata.dpi
        exif[Tag.ResolutionUnit] = 2
    xmp = {"xmp": metadata.xmp} if metadata.xmp else {}
    return {"lossless": True, "exact": True, "quality": 50, **_exif(metadata), **xmp}


def _tiff(picture: PIL.Image.Image, metadata: Metadata, quality: int) -> dict[str, Any]:
    del picture, quality
    tags = metadata.exif
    for tag, value in ((XMP, metadata.xmp), (IPTC, metadata.iptc)):
        if value:
            tags[tag] = value
    details = [name for name in (IFD.Exif, IFD.GPSInfo) if tags.get_ifd(name)]
    tags.update(dict.fromkeys(details, 0))  # Pillow looks for the directories where they are named
    # Through libtiff, which compresses, Pillow 12.3 would lose them.
    compression = {} if details else {"compression": "tiff_adobe_deflate"}
    return {"tiffinfo": tags, **compression, **_dpi(metadata)}


def _exif(metadata: Metadata) -> dict[str, bytes]:
    return {"exif": metadata.exif.tobytes()} if metadata.exif else {}


def _dpi(metadata: Metadata) -> dict[str, tuple[float, float]]:
    return {"dpi": metadata.dpi} if metadata.dpi else {}


FORMATS = {
    "png": Format(".png", 2**31 - 1, _png),
    "webp": Format(".webp", 16_383, _webp),
    "jpeg": Format(".jpg", 65_535, _jpeg),
    "tiff": Format(".tif", 2**31 - 1, _tiff),
}

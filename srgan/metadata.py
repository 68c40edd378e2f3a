"""What a picture file says beside its pixels, and how it goes on into an enlarged one."""

import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import PIL.Image
from PIL.ExifTags import IFD
from PIL.ExifTags import Base as Tag

MARK = Tag.ProcessingSoftware  # of EXIF: says that this program made the picture, and of what
IPTC, XMP, IPTC_RESOURCE = 33723, 700, 0x0404
TIFF_ORIENTATION = re.compile(rb'(tiff:Orientation(?:="|>))[2-8]')
XMP_WIDTH = re.compile(rb'((?:tiff:ImageWidth|exif:PixelXDimension)(?:="|>))\d+')
XMP_HEIGHT = re.compile(rb'((?:tiff:ImageLength|exif:PixelYDimension)(?:="|>))\d+')
XMP_COLOUR_SPACE = re.compile(rb'(exif:ColorSpace(?:="|>))\d+')
XMP_PROFILE = re.compile(rb'(photoshop:ICCProfile(?:="|>))[^"<]*')
XMP_THUMBNAILS = re.compile(rb"<xmp:Thumbnails>.*?</xmp:Thumbnails>", re.DOTALL)
# Of the first directory only what describes the photo goes on; the rest is the old file's layout.
_DESCRIBING = {
    *(MARK, Tag.DocumentName, Tag.ImageDescription, Tag.Make, Tag.Model, Tag.PageName),
    *(Tag.Software, Tag.DateTime, Tag.Artist, Tag.HostComputer, Tag.Copyright),
    *(Tag.Rating, Tag.RatingPercent, Tag.XPTitle, Tag.XPComment, Tag.XPAuthor, Tag.XPKeywords),
    *(Tag.XPSubject, Tag.XResolution, Tag.YResolution, Tag.ResolutionUnit),
}
_SIZES = (Tag.ImageWidth, Tag.ImageLength)
_EXIF_SIZES = (Tag.ExifImageWidth, Tag.ExifImageHeight)


@dataclass(frozen=True, eq=False)
class Metadata:
    """What goes on into an enlarged picture; all of it is of the upright one.

    Attributes:
        gray: Whether the file has one channel (and perhaps alpha); palettes and 1 bit count not.
        dpi: Pixels an inch, across and down.
        exif: Without orientation, thumbnail and what describes the old file's layout; its colour
            space is sRGB, as the pixels are.
        xmp: The packet.
        iptc: IPTC-IIM records.
        text: PNG's text, by keyword.
        comment: JPEG's.
    """

    gray: bool = False
    dpi: tuple[float, float] | None = None
    exif: PIL.Image.Exif = field(default_factory=PIL.Image.Exif)
    xmp: bytes | None = None
    iptc: bytes | None = None
    text: Mapping[str, str] = field(default_factory=dict)
    comment: bytes | None = None

    def at(self, width: int, height: int, mark: str) -> "Metadata":
        """Return it for a picture of another size [pixels], with the program's mark."""
        exif = _copy(self.exif)
        exif[MARK] = mark
        detail = exif.get_ifd(IFD.Exif)
        for ifd, tags in ((exif, _SIZES), (detail, _EXIF_SIZES)):
            for tag, side in zip(tags, (width, height), strict=True):
                if tag in ifd:
                    ifd[tag] = side
        if self.dpi and Tag.XResolution in exif:  # turned with the picture
            exif[Tag.XResolution], exif[Tag.YResolution] = self.dpi
            exif[Tag.ResolutionUnit] = 2
        xmp = self.xmp and XMP_WIDTH.sub(rb"\g<1>%d" % width, self.xmp)
        xmp = xmp and XMP_HEIGHT.sub(rb"\g<1>%d" % height, xmp)
        return Metadata(self.gray, self.dpi, exif, xmp, self.iptc, self.text, self.comment)


def read_metadata(decoded: PIL.Image.Image, turned: bool) -> Metadata:
    """Collect it from a decoded and upright picture; what is broken is left out.

    Args:
        decoded: Its EXIF has passed `srgan.guard`.
        turned: Whether it was turned by a quarter.
    """
    found: dict = {"gray": PIL.Image.getmodebase(decoded.mode) == "L" and decoded.mode != "1"}
    if decoded.mode in ("P", "PA"):
        found["gray"] = False
    with suppress(Exception):
        found["exif"] = _describing(decoded)
    with suppress(Exception):
        if dpi := _dpi(decoded, found.get("exif", {})):
            found["dpi"] = dpi[::-1] if turned else dpi
    with suppress(Exception):
        found["xmp"] = _xmp(decoded)
    with suppress(Exception):
        found["iptc"] = _iptc(decoded)
    text = getattr(decoded, "text", {}) if decoded.format == "PNG" else {}
    profiles = ("XML:com.adobe.xmp", "Raw profile type ")
    found["text"] = {k: str(v) for k, v in text.items() if not k.startswith(profiles)}
    if decoded.format in ("JPEG", "MPO"):
        found["comment"] = decoded.info.get("comment")
    return Metadata(**found)


def _describing(decoded: PIL.Image.Image) -> PIL.Image.Exif:
    source, exif = decoded.getexif(), PIL.Image.Exif()
    sizes = () if decoded.format == "TIFF" else _SIZES
    exif.update({t: _as_read(source[t]) for t in source if t in _DESCRIBING or t in sizes})
    for name in (IFD.Exif, IFD.GPSInfo):
        # A maker's note holds places in the old file, and thumbnails.
        left_out = (IFD.MakerNote, IFD.Interop, Tag.Gamma)
        tags = source.get_ifd(name).items()
        if kept := {tag: _as_read(value) for tag, value in tags if tag not in left_out}:
            if Tag.ColorSpace in kept:
                kept[Tag.ColorSpace] = 1
            exif.get_ifd(name).update(kept)
    return exif


def _as_read(value: object) -> object:
    """Text in the bytes that Pillow read as Latin-1; it would write what is not ASCII as "?"."""
    return value.encode("latin-1") if isinstance(value, str) and not value.isascii() else value


def _copy(exif: PIL.Image.Exif) -> PIL.Image.Exif:
    copy = PIL.Image.Exif()
    copy.update(dict(exif))
    for name in (IFD.Exif, IFD.GPSInfo):
        if tags := exif.get_ifd(name):
            copy.get_ifd(name).update(tags)
    return copy


def _dpi(decoded: PIL.Image.Image, exif: Mapping[int, Any]) -> tuple[float, float] | None:
    dpi = decoded.info.get("dpi")
    if dpi is None and Tag.XResolution in exif:
        inch = {2: 1.0, 3: 2.54}.get(exif.get(Tag.ResolutionUnit, 2), 0.0)
        dpi = tuple(float(exif[tag]) * inch for tag in (Tag.XResolution, Tag.YResolution))
    if dpi is None or min(dpi) <= 1:  # TIFF's default
        return None
    return float(dpi[0]), float(dpi[1])


def _xmp(decoded: PIL.Image.Image) -> bytes | None:
    xmp = decoded.info.get("xmp")
    if xmp is None and decoded.format == "TIFF":
        xmp = decoded.tag_v2.get(XMP)
    if not isinstance(xmp, bytes):
        return None
    srgb = XMP_PROFILE.sub(rb"\g<1>sRGB IEC61966-2.1", XMP_COLOUR_SPACE.sub(rb"\g<1>1", xmp))
    return XMP_THUMBNAILS.sub(b"", TIFF_ORIENTATION.sub(rb"\g<1>1", srgb))


def _iptc(decoded: PIL.Image.Image) -> bytes | None:
    if decoded.format != "TIFF":
        return decoded.info.get("photoshop", {}).get(IPTC_RESOURCE)
    found = decoded.tag_v2.get(IPTC)
    if isinstance(found, tuple) and found:  # stored as 32-bit numbers, as Photoshop does
        order = "<" if decoded.tag_v2.prefix == b"II" else ">"
        found = struct.pack(f"{order}{len(found)}I", *found)
    return found if isinstance(found, bytes) else None

"""Colour spaces that a file names in another way than by an ICC profile, made into one.

What a PNG names is shown as Chromium 156 shows it (`SkPngRustCodec.cpp` of Skia), with one
exception: gAMA 0.45455 with the primaries of sRGB is what encoders write for sRGB, and is no gamma
of 2.2 here. Adobe RGB that is named in EXIF alone (DCF 2.0) is converted; browsers pass over it.
"""

import struct
from contextlib import suppress

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.ExifTags import IFD, Interop
from PIL.ExifTags import Base as Tag

Primaries = tuple[float, ...]  # x and y of white, red, green and blue, as in a PNG's cHRM
Curve = tuple[float, ...]  # to linear light: exponent, or those of ICC's parametric curve 3

_D65 = 0.3127, 0.329
_SRGB = (*_D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_SMPTE_170M = (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07)
_ADOBE_RGB = (*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
_ADOBE_GAMMA = (563 / 256,)
_SRGB_CURVE = 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045
# By code points of ITU-T H.273. The curves of HDR (16, 18) would need a mapping of tones.
_PRIMARIES: dict[int, Primaries] = {
    1: _SRGB,
    5: (*_D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),
    6: _SMPTE_170M,
    7: _SMPTE_170M,
    9: (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    12: (*_D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
_CURVES: dict[int, Curve] = {
    **dict.fromkeys((1, 6, 14, 15), (2.4,)),  # of a screen (BT.1886), not of a camera (BT.709)
    **{4: (2.2,), 5: (2.8,), 8: (1.0,), 13: _SRGB_CURVE},
}
_NEUTRAL = 0.05  # libpng's threshold: gAMA times 2.2 is so near to 1
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_D50 = np.array([0.9642, 1.0, 0.8249])
_SRGB_IN_EXIF, _ADOBE_BY_WINDOWS, _UNCALIBRATED = 1, 2, 65535  # EXIF's ColorSpace


def read_cicp(opened: PIL.Image.Image) -> bytes:
    """Return the cICP chunk of a PNG that is not decoded yet; Pillow passes over it."""
    file = getattr(opened, "fp", None)
    if opened.format != "PNG" or not file or not getattr(opened, "tile", None):
        return b""
    at, found = file.tell(), b""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT":
            break
        if kind == b"cICP" and length == 4:
            found = file.read(4)
            break
        file.seek(length + 4, 1)
    file.seek(at)
    return found


def find_profile(
    decoded: PIL.Image.Image, format: str | None, cicp: bytes, is_gray: bool
) -> tuple[bytes | None, str]:
    """Find the colour space of a picture: of several the one that the PNG standard puts first.

    Args:
        decoded: Its EXIF has passed `srgan.guard`.
        format: Of its file.
        cicp: See `read_cicp`.
        is_gray: Whether a profile for one channel is wanted.

    Returns:
        An ICC profile, None for sRGB. With a profile, how to say that it was converted; else that a
        colour space was named and passed over, "" if none was.
    """
    about = ""
    if cicp:
        primaries, curve = _PRIMARIES.get(cicp[0]), _CURVES.get(cicp[1])
        if primaries and curve and cicp[2:] == b"\0\1":
            return _profile(primaries, curve, is_gray), _converted("PNG cICP")
        about = f"PNG cICP {cicp[0]}, {cicp[1]}"
    if icc := decoded.info.get("icc_profile"):
        return icc, "Its colour profile was converted to sRGB."
    if format == "PNG":
        icc, of_png = _of_png(decoded, is_gray)
        if icc or (of_png and not about):
            return icc, of_png
        if not about and {"srgb", "gamma"} & decoded.info.keys():
            return None, ""
    if not about:
        space, index = _of_exif(decoded)
        if space == _ADOBE_BY_WINDOWS or (space != _SRGB_IN_EXIF and index == "R03"):
            return _profile(_ADOBE_RGB, _ADOBE_GAMMA, is_gray), _converted("EXIF: Adobe RGB")
        if space == _UNCALIBRATED:
            about = "EXIF: uncalibrated"
    return None, about and _passed_over(about)


def _of_exif(decoded: PIL.Image.Image) -> tuple[object, object]:
    """Return colour space and index of interoperability; a broken EXIF block says neither."""
    space = index = None
    with suppress(Exception):
        exif = decoded.getexif()
        space = exif.get_ifd(IFD.Exif).get(Tag.ColorSpace)
        index = exif.get_ifd(IFD.Interop).get(Interop.InteropIndex)
    return space, index


def _of_png(decoded: PIL.Image.Image, is_gray: bool) -> tuple[bytes | None, str]:
    """Do as `find_profile` for gAMA and cHRM."""
    info = decoded.info
    gamma, primaries = info.get("gamma"), info.get("chromaticity")
    if "srgb" in info or (gamma is None and primaries is None):
        return None, ""
    is_srgb = primaries is None or (len(primaries) == 8 and np.allclose(primaries, _SRGB, 0, 0.002))
    if is_srgb and (gamma is None or abs(2.2 * gamma - 1) < _NEUTRAL):
        return None, ""
    if gamma is None:
        return None, _passed_over("PNG cHRM without gAMA")
    about = "PNG gAMA" if primaries is None else "PNG gAMA and cHRM"
    if not 0.1 <= gamma <= 10:
        return None, _passed_over(about)
    try:
        space = _SRGB if primaries is None else primaries
        return _profile(space, (1 / gamma,), is_gray), _converted(about)
    except ValueError:
        return None, _passed_over(about)


def _converted(name: str) -> str:
    return f"Its colours ({name}) were converted to sRGB."


def _passed_over(name: str) -> str:
    return f"Its colour space ({name}) was passed over: it was read as sRGB."


def _profile(primaries: Primaries, curve: Curve, is_gray: bool) -> bytes:
    """Write an ICC profile of a monitor.

    Raises:
        ValueError: There is no such set of primaries.
    """
    kind = 0 if len(curve) == 1 else 3
    bent = b"para" + struct.pack(">4xHxx", kind) + _fixed(*curve)
    tags = {b"wtpt": _xyz(_D50)}
    if is_gray:
        tags |= {b"kTRC": bent}
    else:
        columns = _to_d50(primaries).T
        tags |= {n: _xyz(c) for n, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), bent)
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    space = b"GRAY" if is_gray else b"RGB "
    head = struct.pack(
        ">I4x4s4s4s4s12x4s28x",
        *(start + len(body), b"\4\x30\0\0", b"mntr", space, b"XYZ ", b"acsp"),
    )
    return (head + _fixed(*_D50)).ljust(128, b"\0") + table + body


def _to_d50(primaries: Primaries) -> NDArray[np.float64]:
    """Return the matrix from linear RGB to XYZ, white adapted to D50, as ICC profiles hold it."""
    if len(primaries) != 8 or min(primaries[1::2]) <= 0:
        raise ValueError("no primaries")
    x, y = np.reshape(primaries, (4, 2)).T
    white, *columns = np.stack((x / y, np.ones(4), (1 - x - y) / y), 1)
    matrix = np.stack(columns, 1)
    if abs(np.linalg.det(matrix)) < 1e-6:
        raise ValueError("primaries on a line")
    matrix *= np.linalg.solve(matrix, white)
    gains = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adapted = np.linalg.solve(_BRADFORD, gains[:, None] * (_BRADFORD @ matrix))
    if not np.abs(adapted).max() < 4:
        raise ValueError("primaries far from any colour")
    return adapted


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*values)


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

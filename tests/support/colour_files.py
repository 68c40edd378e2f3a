"""Files whose colour space no ICC profile names, and what Chromium shows of them."""

import struct
import zlib

import numpy as np
import PIL.Image
from PIL.ExifTags import IFD, Interop
from PIL.ExifTags import Base as Tag
from support.picture_files import P3_ICC, SRGB_ICC, chunk, encode, png

D65 = 0.3127, 0.329
SRGB = *D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06
P3 = *D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06
COLOURS = [[200, 100, 50], [10, 20, 30], [128, 128, 128], [5, 5, 5]]
GRAYS = [200, 100, 10, 5]
INTENT = chunk(b"sRGB", b"\0")


def gama(value):
    return chunk(b"gAMA", struct.pack(">I", round(100_000 * value)))


def chrm(*points):
    return chunk(b"cHRM", struct.pack(f">{len(points)}I", *(round(100_000 * p) for p in points)))


def cicp(*codes):
    return chunk(b"cICP", bytes(codes))


def iccp(profile):
    return chunk(b"iCCP", b"p\0\0" + zlib.compress(profile))


def coloured(*chunks):
    """A PNG of `COLOURS`."""
    return png(4, 1, 8, 2, np.array(COLOURS, np.uint8).tobytes(), b"".join(chunks))


def grays(*chunks):
    """A PNG of `GRAYS`."""
    return png(4, 1, 8, 0, bytes(GRAYS), b"".join(chunks))


def exif_space(space, index=None):
    """EXIF that names a colour space; "R03" is Adobe RGB."""
    exif = PIL.Image.Exif()
    exif[Tag.Software] = "a camera"  # Pillow writes none that has nothing but directories
    exif.get_ifd(IFD.Exif)[Tag.ColorSpace] = space
    if index:
        exif.get_ifd(IFD.Exif)[IFD.Interop] = {Interop.InteropIndex: index}
    return exif


def flat(space, index=None, file_format="JPEG", picture=(200, 100, 50), **options):
    """A picture of one colour, or of one gray, with such an EXIF block."""
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True},
               "AVIF": {"quality": 100}}.get(file_format, {}) | options  # fmt: skip
    array = np.broadcast_to(np.uint8(picture), (16, 16, *np.shape(picture)))
    exif = exif_space(space, index)
    if file_format == "TIFF":
        exif[IFD.Exif] = 0  # Pillow writes the directory where it is named
        options["tiffinfo"] = exif
    return encode(np.ascontiguousarray(array), file_format, exif=exif, **options)


def _equal(*levels):
    return [[level] * 3 for level in levels]


CONVERTED = "Its colours ({}) were converted to sRGB."
PASSED_OVER = "Its colour space ({}) was passed over: it was read as sRGB."
PROFILE = "Its colour profile was converted to sRGB."
_P3_SHOWN = [[215, 93, 31], [7, 20, 31], [128] * 3, [5] * 3]
_LINEAR = [[229, 168, 122], [56, 79, 96], [188] * 3, [38] * 3]
_22 = [[201, 100, 46], [3, 12, 24], [129] * 3, [1] * 3]

# By name: the file, the pixels that Chromium 156 shows of it, what is said of it.
SHOWN = {
    "nothing": (coloured(), COLOURS, ""),
    "gamma of sRGB": (coloured(gama(0.45455)), COLOURS, ""),
    "gamma near it": (coloured(gama(0.43479)), COLOURS, ""),
    "linear": (coloured(gama(1)), _LINEAR, CONVERTED.format("PNG gAMA")),
    "linear, sRGB": (
        coloured(gama(1), chrm(*SRGB)),
        _LINEAR,
        CONVERTED.format("PNG gAMA and cHRM"),
    ),
    "gamma 1.8": (
        coloured(gama(0.55556)),
        [[210, 119, 65], [10, 26, 40], [146] * 3, [3] * 3],
        CONVERTED.format("PNG gAMA"),
    ),
    "gamma 2.2, P3": (
        coloured(gama(0.45455), chrm(*P3)),
        [[216, 93, 24], [1, 12, 25], [129] * 3, [1] * 3],
        CONVERTED.format("PNG gAMA and cHRM"),
    ),
    "sRGB before gAMA": (coloured(INTENT, gama(1)), COLOURS, ""),
    "iCCP before gAMA": (coloured(iccp(P3_ICC), gama(1)), _P3_SHOWN, PROFILE),
    "iCCP before sRGB": (coloured(INTENT, iccp(P3_ICC)), _P3_SHOWN, PROFILE),
    "cICP before iCCP": (
        coloured(cicp(12, 13, 0, 1), iccp(SRGB_ICC)),
        _P3_SHOWN,
        CONVERTED.format("PNG cICP"),
    ),
    "cICP before gAMA": (coloured(cicp(1, 13, 0, 1), gama(1)), COLOURS, ""),
    "cICP P3": (coloured(cicp(12, 13, 0, 1)), _P3_SHOWN, CONVERTED.format("PNG cICP")),
    "cICP BT.2020": (
        coloured(cicp(9, 13, 0, 1)),
        [[241, 76, 29], [0, 21, 31], [128] * 3, [5] * 3],
        CONVERTED.format("PNG cICP"),
    ),
    "cICP BT.709": (
        coloured(cicp(1, 1, 0, 1)),
        [[197, 91, 39], [1, 7, 18], [121] * 3, [0] * 3],
        CONVERTED.format("PNG cICP"),
    ),
    "cICP linear": (coloured(cicp(1, 8, 0, 1)), _LINEAR, CONVERTED.format("PNG cICP")),
    "cICP gamma 2.2": (coloured(cicp(1, 4, 0, 1)), _22, CONVERTED.format("PNG cICP")),
    "cICP SMPTE 170M": (
        coloured(cicp(6, 13, 0, 1)),
        [[196, 102, 49], [11, 20, 30], [128] * 3, [5] * 3],
        CONVERTED.format("PNG cICP"),
    ),
    "cICP of no known space, gAMA": (
        coloured(cicp(2, 2, 0, 1), gama(1)),
        _LINEAR,
        CONVERTED.format("PNG gAMA"),
    ),
    "cICP of no known space": (
        coloured(cicp(2, 2, 0, 1)),
        COLOURS,
        PASSED_OVER.format("PNG cICP 2, 2"),
    ),
    "cICP, narrow range": (
        coloured(cicp(12, 13, 0, 0)),
        COLOURS,
        PASSED_OVER.format("PNG cICP 12, 13"),
    ),
    "cHRM alone": (coloured(chrm(*P3)), COLOURS, PASSED_OVER.format("PNG cHRM without gAMA")),
    "cHRM of zeros": (
        coloured(gama(1), chrm(*8 * [0])),
        COLOURS,
        PASSED_OVER.format("PNG gAMA and cHRM"),
    ),
    "gAMA of zero": (coloured(gama(0)), COLOURS, PASSED_OVER.format("PNG gAMA")),
    "gray, linear": (grays(gama(1)), _equal(229, 168, 56, 38), CONVERTED.format("PNG gAMA")),
    "gray, gamma 2.2, P3": (
        grays(gama(0.45455), chrm(*P3)),
        _equal(201, 100, 3, 1),
        CONVERTED.format("PNG gAMA and cHRM"),
    ),
    "gray, cICP P3": (grays(cicp(12, 13, 0, 1)), _equal(*GRAYS), ""),
    "gray, cICP linear": (
        grays(cicp(1, 8, 0, 1)),
        _equal(229, 168, 56, 38),
        CONVERTED.format("PNG cICP"),
    ),
    "EXIF: sRGB": (flat(1), 4 * COLOURS[:1], ""),
    "EXIF: uncalibrated": (flat(65535), 4 * COLOURS[:1], PASSED_OVER.format("EXIF: uncalibrated")),
}

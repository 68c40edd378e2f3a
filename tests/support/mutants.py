"""Hostile picture files: Hypothesis strategies that damage honest ones.

Bytes are damaged anywhere. The pieces that a format consists of (chunks, segments, boxes, directory
entries) are repeated, exchanged, dropped and damaged, and the file around them put right again
(checksums of PNG, lengths of WebP, count of TIFF), so that parsers get far.
"""

import re
import struct
import zlib

import numpy as np
import PIL.Image
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from support.picture_files import (
    LINEAR_GRAY_ICC,
    P3_ICC,
    RGB,
    SEEDS,
    SMOOTH,
    SRGB_ICC,
    chunk,
    cmyk_icc,
    encode,
    png,
    tiff,
)

ONCE_EACH = {  # Hypothesis's settings for many cases: none is shrunk, kept or timed
    "deadline": None,
    "database": None,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}
MAX_BYTES = 1_000_000
SUFFIXES = ("", ".png", ".jpg", ".webp", ".avif", ".tif", ".bmp", ".gif", ".svg", ".txt", ".exe")
NUMBERS = (0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 256, 4096, 8192, 16384, 32767, 32768, 65535, 65536)
NUMBERS += (10**6, 2**24, 2**28, 2**31 - 1, 2**31, 2**32 - 8, 2**32 - 1)
CMYK_ICC = cmyk_icc()
SIDES = (1, 37, 999, 1000, 4000, 16383, 60_000, 65_535, 10**6, 2**31 - 1, 2**32 - 1)
SIZES = re.compile(  # what stands before width and height: PNG, JPEG, GIF, AVIF, WebP, BMP
    rb"IHDR|\xff[\xc0\xc2]...|GIF8.a|ispe....|VP8X.{8}|VP8L.....|BM.{16}", re.DOTALL
)
EXIF = b"II*\0\x08\0\0\0\x03\0" + struct.pack("<HHIH2x", 274, 3, 1, 6)
EXIF += struct.pack("<HHII", 282, 5, 1, 50) + struct.pack("<HHII", 34665, 4, 1, 8)  # loops
EXIF = EXIF + bytes(4) + struct.pack("<II", 72, 1)


# ---- honest files, of every kind that is accepted ----


def interlaced():
    """A gray PNG of 8 x 8 in Adam7's seven passes."""
    sizes = ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))
    rows = b"".join((b"\0" + bytes(range(9, 9 + width))) * height for width, height in sizes)
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 1)
    pieces = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*piece) for piece in pieces)


def run_length_bmp():
    """A BMP of 36 x 24 with runs, a skip, and pixels as they are."""
    body = (b"\x10\1\0\5abcde\0\x0f\2\0\0" * 24) + b"\0\2\3\1" + b"\0\1"
    start = 54 + 1024
    header = struct.pack("<IiiHHIIiiII", 40, 36, 24, 1, 8, 1, len(body), 0, 0, 256, 0)
    palette = bytes(range(256)) * 4
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + palette + body


def honest():
    few = PIL.Image.fromarray(SMOOTH).quantize(20)
    cmyk = PIL.Image.fromarray(SMOOTH).convert("CMYK")

    def frames(count=1):  # new ones each time: Pillow leaves its settings in them
        return {"save_all": True, "append_images": [PIL.Image.fromarray(RGB) for _ in range(count)]}

    tiled = [(322, [48]), (323, [32]), (324, [8]), (325, [48 * 32 * 3])]
    yield from SEEDS.items()
    yield "interlaced", interlaced()
    yield "gray alpha", encode(np.dstack((RGB[..., 0], RGB[..., 1])), "PNG")
    yield "rgb16", png(9, 7, 16, 2, bytes(range(126)) * 3)
    yield "bits", encode(PIL.Image.fromarray(RGB).convert("1"), "PNG")
    yield "cmyk", encode(cmyk, "JPEG", icc_profile=CMYK_ICC)
    yield "mpo", encode(PIL.Image.fromarray(SMOOTH), "MPO", exif=b"Exif\0\0" + EXIF, **frames())
    yield "webp frames", encode(SMOOTH, "WEBP", icc_profile=P3_ICC, exif=EXIF, **frames())
    yield "avif alpha", encode(np.dstack((SMOOTH, RGB[..., 0])), "AVIF", icc_profile=P3_ICC)
    yield "avif frames", encode(SMOOTH, "AVIF", **frames())
    yield "tiled", tiff(np.resize(SMOOTH, (32, 48, 3)), [*tiled, (256, [36]), (257, [24])])
    yield "tiff16", tiff(np.arange(63 * 3, dtype=np.uint16).reshape(7, 9, 3))
    yield "big endian", tiff(np.arange(63, dtype=np.float32).reshape(7, 9), order=">")
    yield "big tiff", encode(SMOOTH, "TIFF", big_tiff=True)
    yield "lzw", encode(few, "TIFF", compression="tiff_lzw")
    yield "packbits", encode(cmyk, "TIFF", compression="packbits")
    yield "tiff jpeg", encode(SMOOTH, "TIFF", compression="jpeg")
    yield "fax", encode(PIL.Image.fromarray(RGB).convert("1"), "TIFF", compression="group4")
    yield "pages", encode(PIL.Image.fromarray(SMOOTH), "TIFF", **frames())
    yield "runs", run_length_bmp()
    yield "bmp alpha", encode(np.dstack((SMOOTH, RGB[..., 0])), "BMP")
    yield "gif frames", encode(few, "GIF", **frames(3))


HONEST = dict(honest())


# ---- files as lists of pieces ----


def split(data):
    """The pieces of a file and the function that makes a file of them again."""
    if data.startswith(b"\x89PNG"):
        return cut(
            data, 8, ">I4s", 8, 4
        ), lambda pieces: data[:8] + b"".join(chunk(p[:4], p[4:]) for p in pieces)
    if data.startswith(b"RIFF"):
        return cut(data, 12, "<4xI", 8, 0), riff
    if data[4:8] == b"ftyp":
        return cut(data, 0, ">I", 0, 0), b"".join
    if data.startswith((b"\xff\xd8", b"GIF8")):
        marks = rb"\xff(?=[\xc0-\xfe])" if data[0] == 0xFF else rb"[!,](?=[\xf9\xfe\xff\0])"
        places = [0, *(m.start() for m in re.finditer(marks, data))][:60] + [len(data)]
        return [data[a:b] for a, b in zip(places, places[1:], strict=False)], b"".join
    if data.startswith((b"II*", b"MM\0*")):
        return entries(data)
    return [data[i : i + 2] for i in range(0, 54, 2)] + [data[54:]], b"".join


def cut(data, start, header, extra, after):
    """Split by lengths: `header` reads one; it does not count `extra` and `after` bytes."""
    pieces = []
    while start + struct.calcsize(header) <= len(data):
        length = struct.unpack_from(header, data, start)[0]
        end = start + max(8, length + extra)
        pieces.append(data[start + (4 if after else 0) : end])
        start = end + after + (length % 2 if header == "<4xI" else 0)
    return pieces


def riff(pieces):
    body = b"WEBP"
    for piece in pieces:
        body += piece[:4] + struct.pack("<I", max(0, len(piece) - 8)) + piece[8:]
        body += b"\0" * (len(piece) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def entries(data):
    """The entries of a TIFF's first directory, and where the next one is."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    places = range(at + 2, at + 2 + 12 * count + 1, 12)

    def join(pieces):
        directory = struct.pack(order + "H", len(pieces) - 1 & 0xFFFF) + b"".join(pieces)
        return data[:4] + struct.pack(order + "I", len(data)) + data[8:] + directory

    return [data[p : p + 12] for p in places[:-1]] + [data[places[-1] : places[-1] + 4]], join


# ---- damage ----


def place(draw, data):
    """A position, often near the start, where headers are, but mostly behind the signature."""
    first = min(max(0, len(data) - 1), draw(st.sampled_from((0, 4, 8, 12, 16))))
    reach = min(len(data), draw(st.sampled_from((40, 80, 300, MAX_BYTES))))
    return draw(st.integers(first, max(first, reach - 1)))


def flip(draw, data):
    flipped = bytearray(data)
    if data:
        flipped[place(draw, data)] ^= 1 << draw(st.integers(0, 7))
    return bytes(flipped)


def write_number(draw, data):
    at, kind = place(draw, data), draw(st.sampled_from(("B", "<H", ">H", "<I", ">I")))
    number = draw(st.sampled_from(NUMBERS)) & 256 ** struct.calcsize(kind) - 1
    return data[:at] + struct.pack(kind, number) + data[at + struct.calcsize(kind) :]


def truncate(draw, data):
    return data[: draw(st.integers(0, len(data)))]


def drop(draw, data):
    at = place(draw, data)
    return data[:at] + data[at + draw(st.integers(1, 40)) :]


def insert(draw, data):
    at = place(draw, data)
    filler = draw(st.sampled_from((b"\0", b"\xff", b"\xff\xd8\xff", b"II*\0", b"A")))
    return data[:at] + filler * draw(st.sampled_from((1, 9, 300, 70_000))) + data[at:]


def repeat_part(draw, data):
    at, size = place(draw, data), draw(st.integers(1, 300))
    return data[:at] + data[at : at + size] * draw(st.sampled_from((2, 3, 100))) + data[at + size :]


def splice(draw, data):
    other = HONEST[draw(st.sampled_from(sorted(HONEST)))]
    return data[: place(draw, data)] + other[place(draw, other) :]


def resize(draw, data):
    """Declare another size, wherever the format says it."""
    found = SIZES.search(data)
    if not found:
        return write_number(draw, data)
    kinds = {b"\x89": ">II", b"\xff": ">HH", b"GIF8": "<HH", b"BM": "<II", b"RIFF": "<II"}
    layout = struct.Struct(next((v for k, v in kinds.items() if data.startswith(k)), ">II"))
    top = 256 ** (layout.size // 2) - 1
    size = [min(draw(st.sampled_from(SIDES)), top) for _ in range(2)]
    return data[: found.end()] + layout.pack(*size) + data[found.end() + layout.size :]


BYTE_EDITS = (flip, flip, write_number, write_number, drop, insert, repeat_part)
WHOLE_EDITS = (*BYTE_EDITS, truncate, splice, resize, resize)


def edit_pieces(draw, pieces):
    pieces, at = list(pieces), draw(st.integers(0, max(0, len(pieces) - 1)))
    how = draw(st.sampled_from(("edit", "edit", "edit", "drop", "swap", "repeat", "foreign")))
    if how == "foreign" or not pieces:
        foreign, _ = split(HONEST[draw(st.sampled_from(sorted(HONEST)))])
        pieces.insert(at, draw(st.sampled_from(foreign)))
    elif how == "edit":
        pieces[at] = draw(st.sampled_from(BYTE_EDITS))(draw, pieces[at])
    elif how == "drop":
        del pieces[at]
    elif how == "swap":
        to = draw(st.integers(0, len(pieces) - 1))
        pieces[at], pieces[to] = pieces[to], pieces[at]
    else:
        pieces[at:at] = [pieces[at]] * draw(st.sampled_from((1, 2, 50, 2000)))
    return pieces


@st.composite
def metadata(draw):
    """A file whose EXIF and colour profile are damaged before they go in."""
    profiles = (("RGB", P3_ICC), ("RGB", SRGB_ICC), ("L", LINEAR_GRAY_ICC), ("CMYK", CMYK_ICC))
    mode, profile = draw(st.sampled_from(profiles))
    picture = PIL.Image.fromarray(SMOOTH).convert(mode)
    formats = ("JPEG", "TIFF") if mode == "CMYK" else ("PNG", "JPEG", "WEBP", "TIFF")
    file_format = draw(st.sampled_from(formats))
    exif = EXIF
    for _ in range(draw(st.integers(0, 4))):
        profile = draw(st.sampled_from(BYTE_EDITS))(draw, profile)
    for _ in range(draw(st.integers(0, 4))):
        exif = draw(st.sampled_from(BYTE_EDITS))(draw, exif)
    options = {} if file_format == "TIFF" or len(exif) > 65_000 else {"exif": b"Exif\0\0" + exif}
    return f"{file_format} metadata", encode(picture, file_format, icc_profile=profile, **options)


@st.composite
def damaged(draw):
    """An honest file of which pieces, then bytes were changed."""
    kind = draw(st.sampled_from(sorted(HONEST)))
    data = HONEST[kind]
    if draw(st.booleans()):
        pieces, join = split(data)
        for _ in range(draw(st.integers(1, 3))):
            pieces = edit_pieces(draw, pieces)
        data = join(pieces)
    for _ in range(draw(st.integers(0, 4))):
        data = draw(st.sampled_from(WHOLE_EDITS))(draw, data)[:MAX_BYTES]
    if data.startswith(b"\x89PNG") and draw(st.booleans()):  # as if the checksums were right
        pieces, join = split(data)
        data = join(pieces)
    return kind, data[:MAX_BYTES]


MUTANTS = st.tuples(damaged() | damaged() | damaged() | metadata(), st.sampled_from(SUFFIXES))
"""((kind, bytes), suffix of its name)"""

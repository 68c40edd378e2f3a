"""Small files that would keep Pillow 12.3 busy for hours or fill the memory: refused up front.

Pillow reads headers in Python and trusts them. It copies each value of a TIFF or EXIF directory,
however many of them lie in the same place; it joins what comes in pieces anew with every piece;
it decodes every scan of a JPEG and fills skipped pixels of a BMP one by one. A few kilobytes are
enough for gigabytes or hours. Every function here raises a `ValueError` on such a file.
"""

import io
import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from mmap import ACCESS_READ, mmap

import PIL.Image

MAX_READS = 20_000  # while a file is opened: some 5,000 segments of a JPEG
MAX_SCANS = 100  # a progressive photo has about 10
MAX_COMMENT = 1_000_000  # bytes, in a GIF
MAX_EXIF = 1_000_000  # bytes; a segment of a JPEG holds 65,533
MAX_EXIF_PIECES = 16
MAX_ENTRIES = 20_000  # of a TIFF or EXIF directory and those below it
MAX_RUN_LENGTH_PIXELS, MAX_RUN_LENGTH_WIDTH = 16_000_000, 65_535  # of a compressed BMP

_UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_SUB_DIRECTORIES = (34665, 34853, 40965)  # EXIF, GPS, interoperability
_DIRECTORY = re.compile(rb"(?:II|MM)(?:[*+]\0|\0[*+])")
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")  # of a JPEG, those with a length, and its end


class MeteredFile(io.BufferedReader):
    """A file that can be read only so many times until `opened` is set.

    A JPEG's EXIF and index of pictures (MPF) are looked over here, since Pillow has parsed them
    before `PIL.Image.open` returns, and joins pieces in its own way.
    """

    opened = False
    _reads = _pieces = 0
    _exif = b""

    def read(self, size: int | None = -1) -> bytes:
        """Read as usual."""
        data = super().read(size)
        if not self.opened:
            self._reads += 1
            if self._reads > MAX_READS:
                raise ValueError("a header of too many pieces")
            if data.startswith(b"Exif\0\0"):
                self._pieces += 1
                if self._pieces > MAX_EXIF_PIECES:
                    raise ValueError("EXIF of too many pieces")
                self._exif += data[6:]
                _check_exif(self._exif)
            elif data.startswith(b"MPF\0"):
                _check_directories(data[4:])
        return data


def check_file(file: MeteredFile) -> None:
    """Look over a file that nothing has parsed yet."""
    if not file.seek(0, io.SEEK_END):
        return
    with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        head = data[:12]
        if head.startswith(b"\xff\xd8\xff"):
            _check_scans(data)
        elif head.startswith(b"GIF8"):
            _check_comments(data)
        elif _DIRECTORY.match(head):
            _check_directories(data)
        elif head[4:8] == b"ftyp":  # the EXIF of AVIF can lie anywhere
            if data.find(2 * b"Exif\0\0") >= 0:
                raise ValueError("EXIF in EXIF")
            for number, found in enumerate(_DIRECTORY.finditer(data)):
                if number == MAX_EXIF_PIECES:
                    raise ValueError("too many EXIF blocks")
                _check_directories(data, found.start())
    file.seek(0)


def check_opened(decoded: PIL.Image.Image) -> None:
    """Look over an opened picture before its pixels are decoded."""
    if decoded.format == "BMP" and decoded.tile[0].codec_name == "bmp_rle":
        width, height = decoded.size
        if width > MAX_RUN_LENGTH_WIDTH or width * height > MAX_RUN_LENGTH_PIXELS:
            raise ValueError("too many runs")


def check_exif(info: Mapping[str, object]) -> None:
    """Look over the EXIF block of a decoded picture before it is parsed."""
    exif = info.get("exif")
    if exif is None and (written := info.get("Raw profile type exif")):
        with suppress(ValueError):  # ImageMagick's, in PNG
            exif = bytes.fromhex("".join(str(written).split("\n")[3:]))
    if isinstance(exif, bytes):
        _check_exif(exif.removeprefix(b"Exif\0\0"))


def _check_exif(block: bytes) -> None:
    if len(block) > MAX_EXIF or block.startswith(b"Exif\0\0"):
        raise ValueError("too much EXIF, or EXIF in EXIF")
    _check_directories(block)


def _check_directories(block: bytes | mmap, base: int = 0) -> None:
    """Add up the values of the first directory of a TIFF or EXIF block and of those below it."""
    if len(block) < base + 16:
        return
    order, big = "<" if block[base] == ord("I") else ">", block[base + 2] == ord("+")
    entry = struct.Struct(order + ("HHQ8s" if big else "HHI4s"))
    head, inline = struct.Struct(order + ("Q" if big else "H")), 8 if big else 4
    total, seen, visited = 0, 0, set()
    waiting = [*struct.unpack_from(order + ("8xQ" if big else "4xI"), block, base)]
    while waiting:
        at = base + waiting.pop()
        if at in visited:
            continue
        visited.add(at)
        with suppress(struct.error, OverflowError):  # it is damaged, which Pillow finds, too
            start, (entries,) = at + head.size, head.unpack_from(block, at)
            for place in range(start, start + entries * entry.size, entry.size):
                tag, kind, number, data = entry.unpack_from(block, place)
                unit = _UNITS.get(kind, 0)
                value = data if number * unit > inline else data[:unit]
                value = int.from_bytes(value, "little" if order == "<" else "big")
                if number * unit > inline:
                    if tag in _SUB_DIRECTORIES:
                        raise ValueError("a directory whose place is not told here")
                    total += max(0, min(number * unit, len(block) - base - value))
                elif tag in _SUB_DIRECTORIES and unit:
                    waiting.append(value)
                seen += 1
                if seen > MAX_ENTRIES or total > 4 * len(block) + 1_000_000:
                    raise ValueError("a directory that is larger than the file")


def _check_scans(data: mmap) -> None:
    at, scans, segments = 2, 0, 0
    while (found := _MARKER.search(data, at)) and not (found[1] == b"\xd9" and scans):
        at = found.end()
        if found[1] != b"\xd9":
            at += max(2, int.from_bytes(data[at : at + 2]))
        scans, segments = scans + (found[1] == b"\xda"), segments + 1
        if scans > MAX_SCANS or segments > MAX_READS:
            raise ValueError("too many scans")


def _check_comments(data: mmap) -> None:
    """Add up a GIF's comments before its second frame: so far Pillow reads."""

    def table(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 128 else 0

    frames = comment = 0
    try:
        at = 13 + table(data[10])
        while frames < 2 and data[at] != ord(";"):
            label = None
            if data[at] == ord(","):
                at, frames = at + 11 + table(data[at + 9]), frames + 1
            elif data[at] == ord("!"):
                at, label = at + 2, data[at + 1]
            else:
                at += 1
                continue
            while size := data[at]:
                at += 1 + size
                comment += size if label == 254 else 0
            at += 1
            if comment > MAX_COMMENT:
                raise ValueError("too long a comment")
    except IndexError:
        pass  # cut off: Pillow finds that out, too

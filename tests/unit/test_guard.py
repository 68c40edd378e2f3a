"""Small files that would take hours or gigabytes are refused; honest files like them are read."""

import io
import re
import struct
import tracemalloc
import zlib

import numpy as np
import PIL.Image
import pytest
from support.mutants import run_length_bmp
from support.picture_files import P3_ICC, RGB, SEEDS, SMOOTH, chunk, encode, png, tiff

from srgan import guard
from srgan.images import ImageError
from srgan.reading import read_image

KEPT = [1000 + number for number in range(4000)]  # private tags, which Pillow keeps


def exif(tags=(), size=60_000, pointer=None):
    """EXIF whose values, one a tag, are all the same bytes: nearly the whole block.

    With `pointer`, the type of number that points to them, they lie in a sub-directory.
    """
    entries = [struct.pack("<HHII", tag, 7, size - 8, 8) for tag in tags]
    head = b"II*\0\x08\0\0\0"
    if pointer:
        head += struct.pack("<HHHIII", 1, 34665, pointer, 1, 26, 0)
    data = head + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return data.ljust(size, b"\0")


def after_start(data, pieces, at=2):
    return data[:at] + pieces + data[at:]


def segment(marker, data):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def scans(count):
    """A JPEG whose last scan comes again and again."""
    data = encode(SMOOTH, "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + count * last + b"\xff\xd9"


def bmp(width, height, body):
    start = 54 + 1024
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    return (
        b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + bytes(1024) + body
    )


def commented(blocks):
    """A GIF with a comment of that many blocks before its picture."""
    data = SEEDS["gif"]
    start = 13 + (3 << (data[10] & 7) + 1)
    return after_start(data, b"!\xfe" + (b"\xff" + 255 * b"a") * blocks + b"\0", start)


def raw_profile(block):
    """EXIF as ImageMagick wrote it into PNG."""
    text = f"\nexif\n{len(block)}\n{block.hex()}".encode()
    return chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))


def with_chunks(before):
    return png(36, 24, 8, 2, RGB.tobytes(), before)


def tagged(samples, count):
    """A TIFF of which every private tag holds the whole strip: as an EXIF block, but in place."""
    data = encode(samples, "TIFF")
    (at,) = struct.unpack_from("<I", data, 4)
    (known,) = struct.unpack_from("<H", data, at)
    entries = data[at + 2 : at + 2 + 12 * known]
    entries += b"".join(struct.pack("<HHII", tag, 7, len(data) - 8, 8) for tag in KEPT[:count])
    directory = struct.pack("<H", known + count) + entries + bytes(4)
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + directory


JPEG = SEEDS["jpeg"]
BOMBS = {
    "values of a JPEG's EXIF": encode(SMOOTH, "JPEG", exif=b"Exif\0\0" + exif(KEPT)),
    "values of a JPEG's index": after_start(JPEG, segment(0xE2, b"MPF\0" + exif(KEPT))),
    "values in two pieces": after_start(
        JPEG,
        segment(0xE1, b"Exif\0\0" + exif(KEPT)[:20_000])
        + segment(0xE1, b"Exif\0\0" + exif(KEPT)[20_000:]),
    ),
    "values of a PNG's EXIF": with_chunks(chunk(b"eXIf", exif(KEPT, 500_000))),
    "values of a sub-directory": with_chunks(chunk(b"eXIf", exif(KEPT, 500_000, pointer=4))),
    "a short pointer": with_chunks(chunk(b"eXIf", exif(KEPT, 500_000, pointer=3))),
    "values of ImageMagick's EXIF": with_chunks(raw_profile(exif(KEPT, 200_000))),
    "values of a WebP's EXIF": encode(SMOOTH, "WEBP", exif=exif(KEPT, 500_000)),
    "values of an AVIF's EXIF": encode(SMOOTH, "AVIF", exif=exif(KEPT, 200_000)),
    "values of a TIFF": tagged(np.resize(SMOOTH, (200, 300, 3)), 4000),
    "EXIF in EXIF": with_chunks(chunk(b"eXIf", 100_000 * b"Exif\0\0" + exif())),
    "endless EXIF": with_chunks(chunk(b"eXIf", exif(size=2_000_000))),
    "pieces of EXIF": after_start(JPEG, 4000 * segment(0xE1, b"Exif\0\0II*\0aaaa")),
    "segments": after_start(JPEG, 100_000 * segment(0xE5, b"")),
    "chunks": with_chunks(100_000 * chunk(b"prVt", b"")),
    "scans": scans(2000),
    "a comment": commented(8000),
    "a skip over wide rows": bmp(8_000_000, 1, b"\0\2\0\xff"),
    "ends of long rows": bmp(16_000, 4000, b"\1\0\0\0" * 4000),
}


@pytest.fixture
def read(tmp_path):
    def read(data):
        path = tmp_path / "file"
        path.write_bytes(data)
        return read_image(path)

    return read


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_before_they_swell(read, bomb):
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match="save it as PNG"):
            read(BOMBS[bomb])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


def test_honest_exif_of_the_largest_size_is_read(read):
    block = exif([37500], 65_000)  # one maker note
    np.testing.assert_array_equal(
        read(encode(SMOOTH, "JPEG", exif=b"Exif\0\0" + block)), read(encode(SMOOTH, "JPEG"))
    )


def test_exif_in_two_pieces_is_put_together(read):
    block = b"II*\0" + struct.pack("<IHHHIHxxI", 8, 1, 274, 3, 1, 6, 0)
    pieces = segment(0xE1, b"Exif\0\0" + block[:13]) + segment(0xE1, b"Exif\0\0" + block[13:])
    plain = encode(SMOOTH, "JPEG")
    np.testing.assert_array_equal(read(after_start(plain, pieces)), np.rot90(read(plain), -1))


def test_exif_of_imagemagick_turns_the_picture(read):
    block = b"II*\0" + struct.pack("<IHHHIHxxI", 8, 1, 274, 3, 1, 6, 0)
    np.testing.assert_array_equal(read(with_chunks(raw_profile(block))), np.rot90(RGB, -1))


@pytest.mark.filterwarnings("ignore")
def test_damaged_exif_of_imagemagick_does_not_lose_the_picture(read):
    damaged = chunk(b"tEXt", b"Raw profile type exif\0\nexif\n4\nno hexadecimal")
    np.testing.assert_array_equal(read(with_chunks(damaged)), RGB)


@pytest.mark.filterwarnings("ignore")
def test_a_directory_that_is_its_own_sub_directory_is_read(read):
    block = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 34665, 4, 1, 8, 0)
    np.testing.assert_array_equal(read(with_chunks(chunk(b"eXIf", block))), RGB)


def test_as_many_scans_as_are_allowed_are_read(read):
    own = len(re.findall(rb"\xff\xda", scans(0)))
    assert read(scans(guard.MAX_SCANS - own)).shape == SMOOTH.shape
    with pytest.raises(ImageError):
        read(scans(guard.MAX_SCANS - own + 1))


def test_scans_of_other_pictures_in_the_file_do_not_count(read):
    assert read(encode(SMOOTH, "JPEG") + 200 * scans(0)).shape == SMOOTH.shape


def test_a_long_comment_is_read(read):
    np.testing.assert_array_equal(read(commented(1000)), read(SEEDS["gif"]))


def test_a_large_tiff_whose_values_lie_apart_is_read(read):
    data = encode(RGB, "TIFF", icc_profile=P3_ICC + bytes(300_000), tiffinfo={700: bytes(300_000)})
    assert read(data).shape == RGB.shape
    assert read(tiff(RGB, order=">")).shape == RGB.shape


def test_a_bmp_of_runs_is_read(read):
    image = read(run_length_bmp())
    assert image.shape == SMOOTH.shape
    buffer = io.BytesIO(run_length_bmp())
    np.testing.assert_array_equal(image, np.array(PIL.Image.open(buffer).convert("RGB")))

"""Picture files made here, byte by byte where Pillow would not write them."""

import io
import struct
import zlib

import numpy as np
import PIL.Image

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (24, 36, 3), np.uint8)
SMOOTH = np.stack(np.broadcast_arrays(*np.ogrid[40:200:24j, 60:220:36j], 90), -1).astype(np.uint8)


def encode(array_or_image, file_format, **options):
    image = array_or_image
    if isinstance(image, np.ndarray):
        image = PIL.Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, before=b"", after=b""):
    """PNG by hand: `rows` is the packed samples, filters not included."""
    stride = len(rows) // height if rows else 0
    raw = b"".join(
        b"\0" + rows[y * stride : (y + 1) * stride] for y in range(height if rows else 0)
    )
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = before + chunk(b"IDAT", zlib.compress(raw)) + after
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def png16(samples, colour, **chunks):
    height, width = samples.shape[:2]
    return png(width, height, 16, colour, samples.astype(">u2").tobytes(), **chunks)


def tiff(samples, tags=(), compress=False, order="<"):
    """TIFF by hand, one strip: `tags` replaces or adds (tag, values), 32 bits each."""
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    data = zlib.compress(data) if compress else data
    height, width = samples.shape[:2]
    bands = samples.shape[2] if samples.ndim == 3 else 1
    kind = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    entries = {
        **{256: [width], 257: [height], 258: [8 * samples.itemsize] * bands},
        **{259: [8 if compress else 1], 262: [2 if bands > 2 else 1], 273: [8], 277: [bands]},
        **{278: [height], 279: [len(data)], 339: [kind] * bands, **dict(tags)},
    }
    data += b"\0" * (len(data) % 2)
    extra, start = b"", 8 + len(data) + 2 + 12 * len(entries) + 4
    directory = struct.pack(order + "H", len(entries))
    for tag, values in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            packed, extra = struct.pack(order + "I", start + len(extra)), extra + packed
        directory += struct.pack(order + "HHI", tag, 4, len(values)) + packed
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(data))
    return head + data + directory + bytes(4) + extra


def s15(*values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def icc(space, connection, tags):
    tags = {b"wtpt": b"XYZ \0\0\0\0" + s15(0.9642, 1, 0.8249), **tags}
    body, table = b"", struct.pack(">I", len(tags))
    for name, data in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    header = struct.pack(">I4x4s4s4s4s12x4s28x", 132 + 12 * len(tags) + len(body), b"\2\x40\0\0",
                         b"mntr", space, connection, b"acsp") + s15(0.9642, 1, 0.8249)  # fmt: skip
    return header.ljust(128, b"\0") + table + body


def curve(function, size=1024):
    levels = np.rint(65535 * function(np.linspace(0, 1, size))).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + struct.pack(">I", size) + levels


def srgb_curve(x):
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def rgb_icc(red, green, blue):
    primaries = zip((b"rXYZ", b"gXYZ", b"bXYZ"), (red, green, blue), strict=True)
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve(srgb_curve))
    return icc(b"RGB ", b"XYZ ", {n: b"XYZ \0\0\0\0" + s15(*p) for n, p in primaries} | curves)


def cmyk_icc():
    """A made-up press whose inks are far from the naive formula: cyan is a dull blue."""
    colours = np.empty((2, 2, 2, 2, 3), np.uint8)
    for c, m, y, k in np.ndindex(2, 2, 2, 2):
        colours[c, m, y, k] = (255 - 90 * c - 60 * m - 20 * y) * (1 - k), 128 + 40 * m, 128 - 25 * c
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0\4\3\2\0" + s15(1, 0, 0, 0, 1, 0, 0, 0, 1)
    return icc(b"CMYK", b"Lab ", {b"A2B0": lut + 4 * ramp + colours.tobytes() + 3 * ramp})


SRGB_ICC = rgb_icc(
    (0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141)
)
P3_ICC = rgb_icc(
    (0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)
)
LINEAR_GRAY_ICC = icc(b"GRAY", b"XYZ ", {b"kTRC": curve(lambda x: x)})

SEEDS = {
    "png": encode(SMOOTH, "PNG"),
    "png16": png16(RNG.integers(0, 65536, (9, 7), np.uint16), 0),
    "apng": encode(SMOOTH, "PNG", save_all=True, append_images=[PIL.Image.new("RGB", (36, 24))]),
    "jpeg": encode(SMOOTH, "JPEG", icc_profile=P3_ICC, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
    "progressive": encode(SMOOTH, "JPEG", progressive=True),
    "webp": encode(SMOOTH, "WEBP"),
    "lossless": encode(np.dstack((SMOOTH, RGB[..., 0])), "WEBP", lossless=True),
    "avif": encode(SMOOTH, "AVIF"),
    "tiff": encode(SMOOTH, "TIFF"),
    "deflate": encode(SMOOTH, "TIFF", compression="tiff_deflate", icc_profile=P3_ICC),
    "float": encode(SMOOTH[..., 0].astype(np.float32), "TIFF"),
    "bmp": encode(SMOOTH, "BMP"),
    "gif": encode(PIL.Image.fromarray(SMOOTH).quantize(20), "GIF"),
    "palette": encode(PIL.Image.fromarray(SMOOTH).quantize(20), "PNG", transparency=3),
}

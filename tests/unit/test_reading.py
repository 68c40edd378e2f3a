"""Every row of the input policy, on files made here."""

import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import ImageCms
from support.colour_files import (
    COLOURS,
    CONVERTED,
    GRAYS,
    INTENT,
    PASSED_OVER,
    PROFILE,
    SHOWN,
    SRGB,
    chrm,
    cicp,
    coloured,
    exif_space,
    flat,
    gama,
)
from support.picture_files import (
    LINEAR_GRAY_ICC,
    P3_ICC,
    RGB,
    RNG,
    SEEDS,
    SMOOTH,
    SRGB_ICC,
    chunk,
    cmyk_icc,
    encode,
    png,
    png16,
    tiff,
)

from srgan.images import ImageError, enlarge, repeat
from srgan.reading import MAX_DECODED_PIXELS, Picture, read_image, read_picture, take_picture

ROOT = Path(__file__).parents[2]
ORIENTATION = 274


@pytest.fixture
def read(tmp_path):
    """Read bytes as a file whose name says nothing."""

    def read(data, **options):
        path = tmp_path / "f.bin"
        path.write_bytes(data)
        picture = read_picture(path, **options)
        assert picture.colours.dtype == np.uint8
        assert picture.colours.shape[2] == 3
        assert picture.image.shape == picture.colours.shape
        assert picture.colours.flags.writeable
        assert all(note[0].isupper() and note[-1] == "." for note in picture.notes)
        return picture

    return read


def refusal(path, **options):
    """The message of the error, after checking that it is one for people."""
    with pytest.raises(ImageError) as caught:
        read_picture(path, **options)
    message = str(caught.value)
    assert message.endswith(".")
    words = (
        "PIL Pillow error Error decod codec zlib libtiff xception Traceback None chunk bomb / < _"
    )
    words = [Path(path).name, *words.split()]
    assert not [word for word in words if word in message]
    return message


@pytest.fixture
def refuse(tmp_path):
    def refuse(data, name="f.png", **options):
        path = tmp_path / name
        path.write_bytes(data)
        return refusal(path, **options)

    return refuse


def gray(levels):
    return np.repeat(np.asarray(levels, np.uint8)[..., None], 3, 2)


# ---- formats, by content ----


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "BMP"])
def test_lossless_formats_are_read_exactly(read, file_format):
    options = {"lossless": True} if file_format == "WEBP" else {}
    picture = read(encode(RGB, file_format, **options))
    np.testing.assert_array_equal(picture.colours, RGB)
    assert picture.alpha is None
    assert picture.notes == ()


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_are_read_closely(read, file_format):
    picture = read(encode(SMOOTH, file_format, quality=95))
    assert np.abs(picture.colours.astype(int) - SMOOTH).mean() < 2
    assert picture.notes == ()


def test_gif_is_read_exactly_and_is_no_animation(read):
    few = PIL.Image.fromarray(RGB).quantize(50)
    picture = read(encode(few, "GIF"))
    np.testing.assert_array_equal(picture.colours, np.asarray(few.convert("RGB")))
    assert picture.notes == ()


def test_the_name_does_not_matter(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encode(SMOOTH, "JPEG"))
    assert read_image(str(path)).shape == SMOOTH.shape


def test_a_phones_jpeg_of_two_pictures_is_a_jpeg(read):
    images = [PIL.Image.fromarray(SMOOTH), PIL.Image.new("RGB", (36, 24))]
    picture = read(encode(images[0], "MPO", save_all=True, append_images=images[1:]))
    assert np.abs(picture.colours.astype(int) - SMOOTH).mean() < 3
    assert picture.notes == ()


def test_read_image_is_the_picture_on_white(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encode(np.dstack((RGB, RGB[..., 0])), "PNG"))
    np.testing.assert_array_equal(read_image(path), read_picture(path).image)


# ---- EXIF ----


UPRIGHT = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.transpose(1, 0, 2),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
    8: lambda x: np.rot90(x),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_exif_orientation_is_applied_once(read, file_format, orientation):
    exif = PIL.Image.Exif()
    lying = read(encode(SMOOTH, file_format)).colours
    exif[ORIENTATION] = orientation
    picture = read(encode(SMOOTH, file_format, exif=exif))
    np.testing.assert_array_equal(picture.colours, UPRIGHT[orientation](lying))
    assert len(picture.notes) == (orientation != 1)


def test_alpha_is_turned_with_the_colours(read):
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = 6
    rgba = np.dstack((RGB, RGB[..., 1]))
    picture = read(encode(rgba, "PNG", exif=exif))
    np.testing.assert_array_equal(picture.colours, np.rot90(RGB, -1))
    np.testing.assert_array_equal(picture.alpha, np.rot90(RGB[..., 1], -1))


def test_exif_behind_the_pixels_of_a_png_counts(read):
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = 8
    data = png(36, 24, 8, 2, RGB.tobytes(), after=chunk(b"eXIf", exif.tobytes()[6:]))
    np.testing.assert_array_equal(read(data).colours, np.rot90(RGB))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0" + b"nonsense" * 4,
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0" * 3,
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x4d\0\0\0\0\0\0\0",  # number 77
    ],
)
def test_broken_exif_does_not_lose_the_picture(read, file_format, exif):
    picture = read(encode(SMOOTH, file_format, exif=exif))
    np.testing.assert_array_equal(picture.colours, read(encode(SMOOTH, file_format)).colours)
    assert picture.notes == ()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_orientation_counts_even_if_other_exif_is_broken(read):
    entries = struct.pack("<HHIHxx", ORIENTATION, 3, 1, 6)
    entries += struct.pack("<HHII", 271, 99, 5, 7) + struct.pack("<HHII", 34665, 4, 1, 99999)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x03\0" + entries + bytes(4)
    lying = read(encode(SMOOTH, "JPEG")).colours
    picture = read(encode(SMOOTH, "JPEG", exif=exif))
    np.testing.assert_array_equal(picture.colours, np.rot90(lying, -1))


# ---- colour profiles ----


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_display_p3_becomes_srgb(read, file_format):
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    options = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}}.get(file_format, {"quality": 100})
    picture = read(encode(flat, file_format, icc_profile=P3_ICC, **options))
    # By the matrices of the two spaces: P3 (200, 100, 50) is sRGB (215.0, 93.1, 31.4).
    assert np.abs(picture.colours - np.array([215.0, 93.1, 31.4])).max() < 3
    assert picture.notes == (PROFILE,)


@pytest.mark.parametrize(
    "profile", [SRGB_ICC, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()]
)
def test_an_srgb_profile_changes_no_pixel(read, profile):
    picture = read(encode(RGB, "PNG", icc_profile=profile))
    np.testing.assert_array_equal(picture.colours, RGB)
    assert picture.notes == ()


def test_a_profile_keeps_alpha_and_hidden_colours(read):
    rgba = np.dstack((RGB, np.tile(np.array([0, 99, 255], np.uint8), (24, 12))))
    picture = read(encode(rgba, "PNG", icc_profile=P3_ICC))
    np.testing.assert_array_equal(picture.alpha, rgba[..., 3])
    opaque = read(encode(RGB, "PNG", icc_profile=P3_ICC)).colours
    np.testing.assert_array_equal(picture.colours, opaque)
    assert np.abs(opaque.astype(int) - RGB).max() > 20


def test_a_palette_goes_through_the_profile(read):
    few = PIL.Image.fromarray(RGB).quantize(20)
    through_rgb = read(encode(few.convert("RGB"), "PNG", icc_profile=P3_ICC)).colours
    picture = read(encode(few, "PNG", icc_profile=P3_ICC))
    np.testing.assert_array_equal(picture.colours, through_rgb)


def test_a_gray_profile_is_applied_and_leaves_gray(read):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    expected = 255 * np.where(  # sRGB's curve, backwards, of linear light
        ramp / 255 <= 0.0031308, ramp / 255 * 12.92, 1.055 * (ramp / 255) ** (1 / 2.4) - 0.055
    )
    picture = read(encode(ramp, "PNG", icc_profile=LINEAR_GRAY_ICC))
    assert np.ptp(picture.colours, axis=2).max() == 0
    assert np.abs(picture.colours[..., 0] - expected).max() < 1.5
    deep = png16(
        ramp.astype(np.uint16) * 257,
        0,
        before=chunk(b"iCCP", b"g\0\0" + zlib.compress(LINEAR_GRAY_ICC)),
    )
    np.testing.assert_array_equal(read(deep).colours, picture.colours)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("profile", [P3_ICC, cmyk_icc(), b"not a profile", P3_ICC[:200]])
def test_gray_with_an_unusable_profile_stays_as_it_is(read, file_format, profile):
    picture = read(encode(RGB[..., 0], file_format, icc_profile=profile))
    plain = read(encode(RGB[..., 0], file_format)).colours
    np.testing.assert_array_equal(picture.colours, plain)
    assert picture.notes == ("Its colour profile does not fit and was left out.",)


@pytest.mark.parametrize("profile", [LINEAR_GRAY_ICC, cmyk_icc(), b"not a profile", bytes(200)])
def test_colour_with_an_unusable_profile_stays_as_it_is(read, profile):
    picture = read(encode(RGB, "PNG", icc_profile=profile))
    np.testing.assert_array_equal(picture.colours, RGB)
    assert picture.notes == ("Its colour profile does not fit and was left out.",)


def test_cmyk_goes_through_its_profile(read):
    cyan = PIL.Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    picture = read(encode(cyan, "JPEG", quality=100, icc_profile=cmyk_icc()))
    # The profile says L* 64.7, a* 0, b* -25. The naive formula would say (0, 255, 255).
    assert np.abs(picture.colours - np.array([136.8, 158.2, 201.5])).max() < 8
    white = PIL.Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    assert read(encode(white, "TIFF", icc_profile=cmyk_icc())).colours.min() >= 254


# ---- colour spaces that no profile names ----


@pytest.mark.parametrize("name", SHOWN)
def test_colours_are_those_that_a_browser_shows(read, name):
    """`tests/browser/test_colour.py` asks one."""
    data, shown, said = SHOWN[name]
    picture = read(data)
    assert np.abs(picture.colours[0, :4].astype(int) - shown).max() <= 1
    assert picture.notes == ((said,) if said else ())


def test_what_encoders_write_for_srgb_is_srgb(read):
    """ImageMagick writes both; taken at their word the dark colours would be 7 levels darker."""
    picture = read(coloured(gama(0.45455), chrm(*SRGB)))
    np.testing.assert_array_equal(picture.colours[0], COLOURS)
    assert picture.notes == ()


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        (cicp(9, 16, 0, 1), "PNG cICP 9, 16"),
        (cicp(9, 18, 0, 1), "PNG cICP 9, 18"),
        (cicp(12, 13, 1, 1), "PNG cICP 12, 13"),
        (cicp(9, 16, 0, 1) + INTENT, "PNG cICP 9, 16"),
        (gama(0.01), "PNG gAMA"),
        (gama(21474), "PNG gAMA"),
        (gama(1) + chrm(*SRGB[:2], *3 * (0.3, 0.3)), "PNG gAMA and cHRM"),
        (gama(1) + chrm(0.3, 0.3, 0.1, 0.1, 0.2, 0.2, 0.4, 0.4), "PNG gAMA and cHRM"),
        (gama(1) + chrm(*SRGB[:6]), "PNG gAMA and cHRM"),
        (gama(1) + chrm(*7 * [40000.0], 0.00001), "PNG gAMA and cHRM"),
        (gama(1) + chrm(), "PNG gAMA and cHRM"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_converted_is_read_as_srgb_and_says_so(read, chunks, said):
    picture = read(coloured(chunks))
    np.testing.assert_array_equal(picture.colours[0], COLOURS)
    assert picture.notes == (PASSED_OVER.format(said),)


ADOBE = [227, 100, 42]  # by the matrices of the two spaces, of Adobe RGB (200, 100, 50)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize(("space", "index"), [(65535, "R03"), (2, None)])
def test_adobe_rgb_that_exif_names_becomes_srgb(read, file_format, space, index):
    picture = read(flat(space, index, file_format))
    assert np.abs(picture.colours - np.array(ADOBE)).max() <= 3
    assert picture.notes == (CONVERTED.format("EXIF: Adobe RGB"),)


def test_gray_stays_gray_in_adobe_rgb(read):
    picture = read(flat(65535, "R03", picture=20))
    assert np.ptp(picture.colours) == 0
    assert abs(int(picture.colours[0, 0, 0]) - 12) <= 1


def test_exif_says_something_only_where_nothing_else_does(read):
    assert read(flat(1, "R03")).notes == ()
    assert read(flat(65535, "R03", icc_profile=SRGB_ICC)).notes == ()
    assert read(flat(65535, "R03", icc_profile=P3_ICC)).notes == (PROFILE,)
    exif = chunk(b"eXIf", exif_space(65535, "R03").tobytes()[6:])
    assert read(coloured(exif)).notes == (CONVERTED.format("EXIF: Adobe RGB"),)
    assert read(coloured(INTENT, exif)).notes == ()
    assert read(coloured(gama(0.45455), exif)).notes == ()
    assert read(coloured(gama(1), exif)).notes == (CONVERTED.format("PNG gAMA"),)


def test_a_named_space_keeps_alpha_and_palettes(read):
    rgba = np.dstack((np.array([COLOURS], np.uint8), np.array([[0, 99, 255, 255]], np.uint8)))
    shown = SHOWN["linear"][1]
    picture = read(png(4, 1, 8, 6, rgba.tobytes(), before=gama(1)))
    np.testing.assert_array_equal(picture.alpha, rgba[..., 3])
    assert np.abs(picture.colours[0].astype(int) - shown).max() <= 1
    palette = chunk(b"PLTE", np.array(COLOURS, np.uint8).tobytes())
    picture = read(png(4, 1, 8, 3, bytes(range(4)), before=gama(1) + palette))
    assert np.abs(picture.colours[0].astype(int) - shown).max() <= 1


def test_16_bits_of_gray_in_a_named_space(read):
    deep = png16(np.uint16([GRAYS]) * 257, 0, before=gama(1))
    picture = read(deep)
    assert np.abs(picture.colours[0].astype(int) - SHOWN["gray, linear"][1]).max() <= 1
    assert picture.metadata.gray


def test_a_picture_that_pillow_holds_is_taken_as_its_file(tmp_path):
    (tmp_path / "a.png").write_bytes(coloured(cicp(12, 13, 0, 1)))
    with PIL.Image.open(tmp_path / "a.png") as opened:
        taken = take_picture(opened)
    assert taken.notes == (CONVERTED.format("PNG cICP"),)
    np.testing.assert_array_equal(taken.colours, read_picture(tmp_path / "a.png").colours)


# ---- gray, palette, 1 bit, CMYK ----


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_gray_gives_equal_channels(read, file_format):
    levels = RNG.integers(0, 256, (128, 128), np.uint8)
    picture = read(encode(levels, file_format))
    assert np.ptp(picture.colours, axis=2).max() == 0
    lossless = file_format in ("PNG", "TIFF", "BMP", "GIF")
    assert np.abs(picture.colours[..., 0].astype(int) - levels).mean() < (0.1 if lossless else 15)


def test_colour_that_is_nearly_gray_is_kept_in_lossless_formats(read):
    tinted = gray(RGB[..., 0] // 2)
    tinted[..., 2] += 1
    np.testing.assert_array_equal(read(encode(tinted, "PNG")).colours, tinted)


@pytest.mark.parametrize("file_format", ["PNG", "GIF", "TIFF", "BMP"])
def test_palette(read, file_format):
    few = PIL.Image.fromarray(RGB).quantize(20)
    picture = read(encode(few, file_format))
    np.testing.assert_array_equal(picture.colours, np.asarray(few.convert("RGB")))
    assert picture.alpha is None


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP", "GIF"])
def test_one_bit(read, file_format):
    bits = RGB[..., 0] > 127
    picture = read(encode(PIL.Image.fromarray(bits), file_format))
    np.testing.assert_array_equal(picture.colours, gray(255 * bits))


@pytest.mark.parametrize(("depth", "factor"), [(1, 255), (2, 85), (4, 17)])
def test_few_bits_span_the_whole_range(read, depth, factor):
    levels = np.arange(2**depth, dtype=np.uint8).repeat(8 // depth * 2)
    bits = np.unpackbits(levels[:, None], axis=1)[:, 8 - depth :]
    picture = read(png(len(levels), 1, depth, 0, np.packbits(bits).tobytes()))
    np.testing.assert_array_equal(picture.colours, gray(levels[None] * factor))


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile(read, file_format):
    inks = {(255, 0, 0, 0): (0, 255, 255), (0, 255, 0, 0): (255, 0, 255), (0, 0, 0, 255): (0, 0, 0)}
    for ink, colour in {**inks, (0, 0, 0, 0): (255, 255, 255)}.items():
        picture = read(encode(PIL.Image.new("CMYK", (16, 16), ink), file_format))
        assert np.abs(picture.colours.astype(int) - colour).max() <= 2
        assert picture.notes == ("Its printing colours (CMYK) were converted to sRGB.",)


def test_lab(read):
    picture = read(encode(PIL.Image.new("LAB", (4, 4), (255, 128, 128)), "TIFF"))
    assert picture.colours.min() >= 254


# ---- more than 8 bits ----


def test_16_bit_gray_is_scaled_and_rounded(read):
    values = np.arange(65536).reshape(256, 256)
    expected = gray(np.rint(values * 255 / 65535))
    for data in (
        png16(values, 0),
        encode(values.astype(np.uint16), "TIFF"),
        tiff(values.astype(np.uint16), compress=True),
        tiff(values.astype(np.uint16), order=">"),
    ):
        picture = read(data)
        np.testing.assert_array_equal(picture.colours, expected)
        assert picture.notes == ("It has more than 8 bits a sample; they were scaled to 8.",)


def test_16_bit_gray_that_counts_down_from_white(read):
    values = RNG.integers(0, 65536, (9, 7), np.uint16)
    expected = gray(255 - np.rint(values / 257))
    np.testing.assert_array_equal(read(tiff(values, [(262, [0])])).colours, expected)


def test_12_bit_gray_is_not_nearly_black(read):
    values = np.arange(4096).reshape(64, 64)
    packed = np.packbits(
        np.unpackbits(values.astype(">u2").view(np.uint8).reshape(-1, 2), axis=1)[:, 4:]
    )
    data = tiff(packed.reshape(64, 96), [(256, [64]), (258, [12])])
    np.testing.assert_array_equal(read(data).colours, gray(np.rint(values * 255 / 4095)))


@pytest.mark.parametrize(("colour", "bands"), [(2, 3), (6, 4), (4, 2)])
def test_16_bit_colour_png(read, colour, bands):
    samples = RNG.integers(0, 65536, (9, 7, bands), np.uint16)
    picture = read(png16(samples, colour))
    upper = (samples >> 8).astype(np.uint8)
    np.testing.assert_array_equal(
        picture.colours, upper[..., :3] if bands > 2 else gray(upper[..., 0])
    )
    if bands != 3:
        np.testing.assert_array_equal(picture.alpha, upper[..., -1])
    assert picture.notes[-1] == "It has more than 8 bits a sample; they were scaled to 8."


def test_16_bit_gray_with_alpha_goes_through_a_gray_profile(read):
    samples = RNG.integers(0, 65536, (9, 7, 2), np.uint16)
    profile = chunk(b"iCCP", b"g\0\0" + zlib.compress(LINEAR_GRAY_ICC))
    picture = read(png16(samples, 4, before=profile))
    assert picture.notes[-1] == PROFILE
    assert np.ptp(picture.colours, axis=2).max() == 0


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bands", [3, 4])
def test_16_bit_colour_tiff(read, bands, order, compress):
    samples = RNG.integers(0, 65536, (9, 7, bands), np.uint16)
    extra = [(338, [2])] if bands == 4 else []
    picture = read(tiff(samples, extra, compress, order))
    np.testing.assert_array_equal(picture.colours, samples[..., :3] >> 8)
    if bands == 4:
        np.testing.assert_array_equal(picture.alpha, samples[..., 3] >> 8)


def test_premultiplied_tiff_alpha_is_divided_out(read):
    samples = np.array([[[64, 32, 0, 128], [255, 255, 255, 255]]], np.uint8)
    picture = read(tiff(samples, [(338, [1])]))
    np.testing.assert_array_equal(picture.colours[0, 0], (127, 63, 0))
    np.testing.assert_array_equal(picture.alpha, [[128, 255]])


def test_floats_from_0_to_1_are_scaled(read):
    values = np.linspace(0.1, 0.9, 63, dtype=np.float32).reshape(9, 7)
    for data in (encode(values, "TIFF"), tiff(values, compress=True), tiff(values, order=">")):
        picture = read(data)
        np.testing.assert_array_equal(picture.colours, gray(np.rint(values.astype(float) * 255)))
        assert len(picture.notes) == 1


@pytest.mark.parametrize(("low", "high"), [(0, 1.5), (-0.5, 0.5), (100, 60000), (-3e38, 3e38)])
def test_other_floats_are_stretched_between_their_extremes(read, low, high):
    values = np.linspace(low, high, 256).astype(np.float32).reshape(16, 16)
    picture = read(encode(values, "TIFF"))
    expected = gray(np.arange(256).reshape(16, 16))
    assert np.abs(picture.colours.astype(int) - expected).max() <= 1
    assert picture.colours.min() == 0
    assert picture.colours.max() == 255
    assert picture.notes[-1] == "Its values were stretched from the lowest to the highest."


def test_what_is_no_number_is_black_and_infinity_is_an_end(read):
    values = np.array([[np.nan, -np.inf, np.inf, 2, 4, 3]], np.float32)
    np.testing.assert_array_equal(
        read(encode(values, "TIFF")).colours[0, :, 0], [0, 0, 255, 0, 255, 128]
    )
    values = np.array([[np.nan, np.inf, 0.5]], np.float32)
    np.testing.assert_array_equal(read(encode(values, "TIFF")).colours[0, :, 0], [0, 255, 128])
    assert read(encode(np.full((4, 4), np.nan, np.float32), "TIFF")).colours.max() == 0
    assert read(encode(np.full((4, 4), 7, np.float32), "TIFF")).colours.shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[3, 7, 200]], np.int32), [3, 7, 200]),
        (np.array([[0, 32768, 65535]], np.int32), [0, 128, 255]),
        (np.array([[-1000, 0, 1000]], np.int32), [0, 128, 255]),
        (np.array([[-30000, 0, 30000]], np.int16), [0, 128, 255]),
        (np.array([[0, 2**31, 2**32 - 1]], np.uint32), [0, 128, 255]),
        (np.array([[-(2**31), 0, 2**31 - 1]], np.int32), [0, 128, 255]),
    ],
)
@pytest.mark.parametrize("compress", [False, True])
def test_integers_are_kept_or_stretched(read, values, expected, compress):
    np.testing.assert_array_equal(read(tiff(values, compress=compress)).colours[0, :, 0], expected)


def test_a_large_deep_picture_is_scaled_in_blocks(read):
    values = np.full((1100, 1000), 0.25, np.float32)
    values[-1, -1] = 2
    colours = read(encode(values, "TIFF")).colours
    assert (colours[-1, -1, 0], colours[0, 0, 0], colours[-1, 0, 0]) == (255, 0, 0)


@pytest.mark.parametrize("kind", [np.float32, np.int32, np.int16])
def test_tiffs_that_would_decode_to_noise_are_refused(refuse, kind):
    swapped = tiff(np.ones((9, 7), kind), compress=True, order=">")
    assert "save it as PNG" in refuse(swapped)
    planes = tiff(RNG.integers(0, 65536, (8, 8, 3), np.uint16), [(284, [2]), (273, [8, 136, 264])])
    assert "save it as PNG" in refuse(planes)


def test_the_thumbnail_in_a_raw_file_is_not_the_picture(refuse):
    assert "save it as PNG" in refuse(tiff(RGB, [(254, [1])]))


# ---- transparency ----


def test_alpha_is_laid_on_white_and_kept_apart(read):
    rgba = np.array([[[255, 0, 0, 0], [10, 20, 30, 128], [1, 2, 3, 255]]], np.uint8)
    for data in (
        encode(rgba, "PNG"),
        encode(rgba, "TIFF"),
        encode(rgba, "WEBP", lossless=True, exact=True),
    ):
        picture = read(data)
        np.testing.assert_array_equal(picture.colours, rgba[..., :3])
        np.testing.assert_array_equal(picture.alpha, rgba[..., 3])
        np.testing.assert_array_equal(
            picture.image[0], [[255, 255, 255], [132, 137, 142], [1, 2, 3]]
        )
        assert picture.notes == ("Its transparent parts are laid on white.",)


def test_gray_on_white_stays_gray():
    levels, alpha = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    image = Picture(gray(levels), alpha, ()).image
    exact = 255 + (levels.astype(float) - 255) * alpha / 255
    assert np.ptp(image, axis=2).max() == 0
    assert np.abs(image[..., 0] - exact).max() <= 0.51


def test_opaque_alpha_is_none(read):
    picture = read(encode(np.dstack((RGB, np.full_like(RGB[..., 0], 255))), "PNG"))
    assert picture.alpha is None
    assert picture.notes == ()
    np.testing.assert_array_equal(picture.image, RGB)


def test_gray_with_alpha(read):
    both = np.ascontiguousarray(RGB[..., :2])
    for file_format in ("PNG", "TIFF"):
        picture = read(encode(PIL.Image.fromarray(both, "LA"), file_format))
        np.testing.assert_array_equal(picture.colours, gray(both[..., 0]))
        np.testing.assert_array_equal(picture.alpha, both[..., 1])


@pytest.mark.parametrize("alphas", [bytes([0, 128]), bytes([255, 0])])
def test_palette_with_transparency(read, alphas):
    palette = chunk(b"PLTE", bytes([200, 10, 10, 10, 200, 10, 10, 10, 200])) + chunk(
        b"tRNS", alphas
    )
    picture = read(png(3, 1, 8, 3, bytes([0, 1, 2]), before=palette))
    np.testing.assert_array_equal(picture.alpha, [[*alphas, 255]])
    np.testing.assert_array_equal(picture.colours[0], [[200, 10, 10], [10, 200, 10], [10, 10, 200]])


def test_gif_transparency(read):
    few = PIL.Image.fromarray(np.arange(4, dtype=np.uint8).reshape(1, 4), "P")
    few.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    picture = read(encode(few, "GIF", transparency=2))
    np.testing.assert_array_equal(picture.alpha, [[255, 255, 0, 255]])
    np.testing.assert_array_equal(picture.image[0, 2:], [[255, 255, 255], [9, 9, 9]])


@pytest.mark.parametrize(("depth", "key"), [(1, 1), (2, 2), (4, 13), (8, 77), (16, 0x1234)])
def test_a_transparent_level_of_gray(read, depth, key):
    other = (key + 1) % 2**depth
    bits = np.array([int(bit) for value in (key, other) for bit in f"{value:0{depth}b}"])
    key_chunk = chunk(b"tRNS", struct.pack(">H", key))
    picture = read(png(2, 1, depth, 0, np.packbits(bits).tobytes(), before=key_chunk))
    np.testing.assert_array_equal(picture.alpha, [[0, 255]])
    scaled = [round(value * 255 / (2**depth - 1)) for value in (key, other)]
    np.testing.assert_array_equal(picture.colours, gray([scaled]))


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_colour(read, depth):
    unit = 1 if depth == 8 else 257
    colours = np.array([[[10, 20, 30], [10, 20, 31], [255, 255, 255]]]) * unit
    key_chunk = chunk(b"tRNS", struct.pack(">3H", *colours[0, 0]))
    rows = colours.astype(np.uint8 if depth == 8 else ">u2").tobytes()
    picture = read(png(3, 1, depth, 2, rows, before=key_chunk))
    np.testing.assert_array_equal(picture.alpha, [[0, 255, 255]])
    np.testing.assert_array_equal(picture.colours, colours // unit)


def test_a_16_bit_transparent_colour_is_not_taken_for_its_lower_bits(read):
    colours = np.array([[[0x1234] * 3, [0x3434] * 3]])
    picture = read(png16(colours, 2, before=chunk(b"tRNS", struct.pack(">3H", *colours[0, 0]))))
    np.testing.assert_array_equal(picture.alpha, [[0, 255]])


# ---- several pictures in a file ----


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_the_first_frame_of_an_animation(read, file_format):
    frames = [PIL.Image.new("RGB", (16, 12), colour) for colour in ("red", "lime", "blue")]
    options = {"quality": 100} if file_format in ("WEBP", "AVIF") else {}
    data = encode(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
    picture = read(data)
    assert np.abs(picture.colours.astype(int) - (255, 0, 0)).max() <= 4
    assert picture.notes == ("Only the first frame of this animation is used.",)


def test_the_first_page_of_a_tiff(read):
    pages = [PIL.Image.fromarray(RGB), PIL.Image.new("RGB", (99, 9))]
    picture = read(encode(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    np.testing.assert_array_equal(picture.colours, RGB)
    assert picture.notes == ("Only the first page of this file is used.",)


# ---- refusals ----


def test_what_is_not_a_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "missing.png")
    assert "folder" in refusal(tmp_path)
    assert "cannot be opened" in refusal(tmp_path / ("long" * 200))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "locked.png"
    path.touch(mode=0)
    assert "cannot be opened" in refusal(path)


def test_a_file_that_fails_to_open(tmp_path, monkeypatch):
    path = tmp_path / "locked.png"
    path.touch()

    def fail(*args, **kwargs):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", fail)
    assert "cannot be opened" in refusal(path)


def test_too_little_memory(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(encode(RGB, "PNG"))

    def fail(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    assert "memory" in refusal(path)


def test_files_that_are_no_pictures(refuse):
    assert "empty" in refuse(b"")
    others = [encode(RGB, file_format) for file_format in ("ICO", "PPM", "JPEG2000")]
    others += [b"hello", bytes(5000), b"%PDF-1.7\n1 0 obj", b"8BPS\0\1", b"\0\0\0\x18ftypisom"]
    for data in others:
        assert refuse(data).endswith("Use PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF.")


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"mif1", b"msf1"])
def test_heic_is_told_how_to_become_jpeg(refuse, brand):
    data = b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(100)
    for name in ("photo.heic", "photo.jpg"):
        message = refuse(data, name)
        assert "HEIC" in message
        assert "JPEG" in message


def test_avif_with_the_brand_of_the_container_is_avif(read, refuse):
    data = encode(SMOOTH, "AVIF").replace(b"ftypavif", b"ftypmif1", 1)
    assert read(data).colours.shape == SMOOTH.shape
    assert "cut off" in refuse(data[:300])


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn -->\n"])
def test_svg_is_told_to_become_png(refuse, start):
    message = refuse(
        start + b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>", "a.svg"
    )
    assert "SVG" in message
    assert "PNG" in message


@pytest.mark.parametrize(
    "kind", sorted(SEEDS.keys() - {"apng"})
)  # of which the first frame may be whole
@pytest.mark.parametrize("part", [0.5, 0.8])
def test_a_file_that_is_cut_off(refuse, kind, part):
    data = SEEDS[kind]
    message = refuse(data[: int(len(data) * part)])
    assert "cut off" in message


@pytest.mark.parametrize("kind", SEEDS)
def test_a_file_of_which_only_the_signature_is_left(refuse, kind):
    assert "cut off" in refuse(SEEDS[kind][:16])


def bombs():
    """Files whose headers ask for more than 64 megapixels, and how many they ask for."""
    rows = zlib.compressobj(9)
    body = b"".join(rows.compress(bytes(2501 * 1000)) for _ in range(20)) + rows.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20000, 20000, 1, 0, 0, 0, 0))
    yield "png", 400, b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    yield "png between", 100, png(10000, 10000, 8, 6, b"")
    yield "png above", 64.008, png(8000, 8001, 16, 6, b"")
    gif = bytearray(SEEDS["gif"])
    gif[6:10] = struct.pack("<HH", 65535, 65535)
    yield "gif screen", 4294.84, bytes(gif)
    gif = bytearray(SEEDS["gif"])
    at = gif.index(b",", 13 + 3 * 2 ** ((gif[10] & 7) + 1))
    gif[at + 5 : at + 9] = struct.pack("<HH", 30000, 30000)
    yield "gif frame", 900, bytes(gif)
    yield "tiff", 1e12, tiff(RGB, [(256, [10**9]), (257, [10**9])])
    yield "tiff turned", 100, tiff(RGB, [(256, [10**8]), (257, [1]), (ORIENTATION, [6])])
    bmp = bytearray(SEEDS["bmp"])
    bmp[18:26] = struct.pack("<ii", 30000, 30000)
    yield "bmp", 900, bytes(bmp)
    jpeg = bytearray(SEEDS["jpeg"])
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65500, 65500)
    yield "jpeg", 4290.25, bytes(jpeg)
    for side, megapixels in ((8001, 64.016), (9000, 81)):
        frame = b"\x2f" + struct.pack("<I", (side - 1) | (side - 1) << 14) + bytes(33)
        frame = b"WEBPVP8L" + struct.pack("<I", len(frame)) + frame
        yield f"webp {side}", megapixels, b"RIFF" + struct.pack("<I", len(frame)) + frame
    avif = bytearray(SEEDS["avif"])
    at = avif.index(b"ispe")
    avif[at + 8 : at + 16] = struct.pack(">II", 10000, 10000)
    yield "avif", 100, bytes(avif)


BOMBS = list(bombs())


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb[0])
@pytest.mark.parametrize("warn", ["default", "error"])
def test_too_many_pixels_are_refused_before_decoding(refuse, monkeypatch, bomb, warn, recwarn):
    def fail(*args):
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load_prepare", fail)
    warnings.simplefilter(warn)
    _, megapixels, data = bomb
    message = refuse(data)
    assert f"has {megapixels:g} megapixels" in message
    assert "limit is 64 megapixels" in message


def test_the_limit_is_the_last_size_that_is_read(read, refuse):
    assert MAX_DECODED_PIXELS == 64_000_000
    data = encode(RGB, "PNG")
    assert read(data, max_pixels=24 * 36).colours.shape == RGB.shape
    message = refuse(data, max_pixels=24 * 36 - 1)
    assert "0.000864 megapixels; the limit is 0.000863 megapixels" in message


def test_a_tile_larger_than_the_picture_is_refused(refuse):
    side = 16384
    data = tiff(np.zeros((8, 8), np.uint8), [(322, [side]), (323, [side]), (324, [8]), (325, [64])])
    assert "save it as PNG" in refuse(data)


@pytest.mark.long
def test_refusing_a_bomb_takes_no_memory(tmp_path):
    for name, _, data in BOMBS:
        (tmp_path / f"{name}.bin").write_bytes(data)
    huge = zlib.compress(bytes(100_000_000), 1)
    texts = {
        "zTXt": b"Comment\0\0" + huge,
        "iTXt": b"XML:com.adobe.xmp\0\1\0\0\0" + huge,
        "iCCP": b"icc\0\0" + huge,
    }
    for name, text in texts.items():
        data = chunk(name.encode(), text)
        (tmp_path / f"{name} before.bin").write_bytes(png(36, 24, 8, 2, RGB.tobytes(), data))
        if name != "iCCP":
            (tmp_path / f"{name} after.bin").write_bytes(
                png(36, 24, 8, 2, RGB.tobytes(), b"", data)
            )
    flat = zlib.compress(bytes(16384 * 8192), 1)
    tile = [(259, [8]), (322, [16384]), (323, [8192]), (324, [8]), (325, [len(flat)])]
    data = np.frombuffer(flat + bytes(-len(flat) % 8), np.uint8)
    (tmp_path / "tile.bin").write_bytes(tiff(data.reshape(-1, 8), [*tile, (256, [8]), (257, [8])]))
    code = """
import resource, sys, warnings
from pathlib import Path
from srgan.images import ImageError
from srgan.reading import read_image
warnings.simplefilter("ignore")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        read_image(path)
    except ImageError:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, path.stem, sep=";")
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    lines = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout.splitlines()
    assert len(lines) == len(list(tmp_path.iterdir()))
    assert int(lines[-1].split(";")[0]) < 40_000, lines


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_swollen_metadata_is_refused_in_words(refuse, kind):
    data = chunk(kind, b"icc\0\0" + zlib.compress(bytes(70_000_000), 9))
    assert "save it as PNG" in refuse(png(36, 24, 8, 2, RGB.tobytes(), before=data))


@pytest.mark.parametrize(
    "tags",
    [
        [(277, [65535])],
        [(273, [2**32 - 1])],
        [(279, [2**32 - 1]), (278, [2**32 - 1])],
        [(258, [0, 0, 0])],
        [(258, [64, 64, 64])],
        [(259, [34892])],
        [(273, list(range(1000)))],
        [(322, [0]), (323, [0])],
        [(256, [0])],
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_absurd_tiff_tags(tmp_path, tags):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(RGB, tags))
    try:
        image = read_image(path)
    except ImageError:
        refusal(path)
    else:
        assert image.shape == RGB.shape


def test_no_file_stays_open(read, refuse):
    files = Path("/proc/self/fd")
    if not files.exists():
        pytest.skip("needs /proc")
    before = len(list(files.iterdir()))
    kept = [read(data) for data in SEEDS.values()]
    for data in SEEDS.values():
        refuse(data[: len(data) // 2])
    assert len(list(files.iterdir())) == before
    assert len(kept) == len(SEEDS)


def test_nothing_global_changes(read):
    def switches():
        return PIL.Image.MAX_IMAGE_PIXELS, PIL.ImageFile.LOAD_TRUNCATED_IMAGES

    before = switches()
    for data in SEEDS.values():
        read(data)
    assert switches() == before


def test_threads_get_their_own_pictures(tmp_path):
    levels, got = range(4), {}
    for level in levels:
        (tmp_path / f"{level}").write_bytes(
            encode(np.full((64, 64, 3), 9 * level, np.uint8), "PNG", icc_profile=P3_ICC)
        )

    def work(level):
        got[level] = {int(read_image(tmp_path / f"{level}")[5, 5, 0]) for _ in range(5)}

    threads = [threading.Thread(target=work, args=(level,)) for level in levels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {level: {9 * level} for level in levels}


# ---- sizes ----


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (8, 8), (543, 337), (250, 361)])
def test_any_size_is_read_and_enlarged(read, size):
    image = RNG.integers(0, 256, (*size, 3), np.uint8)
    image = read(encode(image, "PNG")).image
    assert enlarge(image).shape == repeat(image).shape == (4 * size[0], 4 * size[1], 3)

"""What the folder command gives back of what a file says: the table of docs/enlarge.md, tried."""

import io
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image as Pillow
from PIL import PngImagePlugin
from PIL.ExifTags import IFD
from PIL.ExifTags import Base as Tag
from support.colour_files import P3, chrm, cicp, coloured, exif_space, flat, gama
from support.picture_files import P3_ICC

from srgan.enlarge_files import main
from srgan.images import enlarge
from srgan.metadata import IPTC
from srgan.reading import read_image, read_picture

PHOTO = skimage.data.astronaut()[::16, ::20]  # 32 high, 26 wide
ENDINGS = {"png": "png", "jpeg": "jpg", "webp": "webp", "tiff": "tif"}
RECORD = b"\x1c\x02\x78\x00\x07caption"
PACKET = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" '
    'tiff:ImageWidth="26" xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:PixelYDimension="32" '
    'exif:ColorSpace="65535" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'photoshop:ICCProfile="Display P3" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:title="Öl"/></rdf:RDF></x:xmpmeta>'
)


def exif_of_a_camera():
    exif = exif_space(65535, "R03")
    exif[Tag.ImageDescription], exif[Tag.DateTime] = "Grüße".encode(), "2020:02:03 04:05:06"
    exif[Tag.Orientation] = 6
    detail = exif.get_ifd(IFD.Exif)
    detail[Tag.DateTimeOriginal] = "2019:01:01 00:00:00"
    detail[Tag.ExifImageWidth], detail[Tag.ExifImageHeight] = 26, 32
    detail[Tag.MakerNote], detail[Tag.Gamma] = b"places in the old file", 2.2
    exif.get_ifd(IFD.GPSInfo).update({1: "N", 2: (48.0, 8.0, 30.0)})
    return exif


def photo(form):
    """300 dpi, lying on its side, with all that the format can say; without compression loss."""
    picture, exif, buffer = Pillow.fromarray(PHOTO), exif_of_a_camera(), io.BytesIO()
    options = {"icc_profile": P3_ICC}
    if form == "tiff":
        exif.update({IFD.Exif: 0, IFD.GPSInfo: 0, 700: PACKET.encode(), IPTC: RECORD})
        options |= {"tiffinfo": exif, "dpi": (300, 300)}
    elif form == "png":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", PACKET)
        text.add_text("Author", "Ada")
        text.add_itxt("Title", "Öl")
        options |= {"pnginfo": text, "exif": exif, "dpi": (300, 300)}
    elif form == "webp":
        exif[Tag.XResolution] = exif[Tag.YResolution] = 300.0
        exif[Tag.ResolutionUnit] = 2
        options |= {"exif": exif, "xmp": PACKET.encode(), "lossless": True}
    else:
        data = b"8BIM\x04\x04\0\0" + len(RECORD).to_bytes(4, "big") + RECORD
        data = b"Photoshop 3.0\0" + data
        segment = b"\xff\xed" + (len(data) + 2).to_bytes(2, "big") + data
        options |= {"exif": exif, "xmp": PACKET.encode(), "dpi": (300, 300), "comment": b"by Ada"}
        options |= {"extra": segment, "quality": 95}
    picture.save(buffer, form.upper(), **options)
    return buffer.getvalue()


@pytest.fixture
def enlarged(tmp_path, capsys):
    """Enlarge the bytes of a file; returns the opened output."""

    def run(data, source, target, *more):
        path = tmp_path / f"photo.{ENDINGS[source]}"
        path.write_bytes(data)
        args = [path, "--method", "bicubic", "--out", tmp_path / "out", "--format", target, *more]
        assert main([*map(str, args)]) == 0, capsys.readouterr().err
        (output,) = (tmp_path / "out").iterdir()
        assert output.name == f"photo_bicubic_x4.{ENDINGS[target]}"
        opened = Pillow.open(io.BytesIO(output.read_bytes()))
        opened.filename = str(output)
        return opened

    return run


def record(opened):
    if opened.format == "TIFF":
        return opened.tag_v2.get(IPTC)
    return opened.info.get("photoshop", {}).get(0x0404)


@pytest.mark.parametrize("target", ENDINGS)
@pytest.mark.parametrize("source", ENDINGS)
def test_what_goes_in_comes_out(enlarged, source, target):
    out = enlarged(photo(source), source, target)
    assert out.format == target.upper()
    assert out.size == (4 * 32, 4 * 26)  # upright
    exif = out.getexif()
    found = out.info.get("dpi", (exif.get(Tag.XResolution), exif.get(Tag.YResolution)))
    assert np.allclose(np.array(found, float), 300, atol=0.01)

    title = exif[Tag.ImageDescription]
    assert (title if isinstance(title, bytes) else title.encode("latin-1")) == "Grüße".encode()
    assert exif[Tag.DateTime] == "2020:02:03 04:05:06"
    assert exif.get(Tag.Orientation, 1) == 1
    assert exif[Tag.ProcessingSoftware].startswith("srgan ")
    detail = exif.get_ifd(IFD.Exif)
    assert detail[Tag.DateTimeOriginal] == "2019:01:01 00:00:00"
    assert (detail[Tag.ExifImageWidth], detail[Tag.ExifImageHeight]) == (128, 104)
    assert detail[Tag.ColorSpace] == 1  # sRGB
    assert not {Tag.MakerNote, Tag.Gamma, IFD.Interop} & detail.keys()
    assert exif.get_ifd(IFD.GPSInfo)[2] == (48.0, 8.0, 30.0)
    assert not exif.get_ifd(IFD.IFD1)

    packet = out.info["xmp"].decode()
    assert 'dc:title="Öl"' in packet
    assert 'tiff:Orientation="1"' in packet or "tiff:Orientation" not in packet
    assert 'tiff:ImageWidth="128"' in packet
    assert 'exif:PixelYDimension="104"' in packet
    assert 'exif:ColorSpace="1"' in packet
    assert 'photoshop:ICCProfile="sRGB IEC61966-2.1"' in packet
    has_iptc = {"jpeg", "tiff"}
    assert record(out) == (RECORD if {source, target} <= has_iptc else None)
    if source == target == "png":
        assert (out.text["Author"], out.text["Title"]) == ("Ada", "Öl")
    if source == target == "jpeg":
        assert out.info["comment"] == b"by Ada"
    assert "icc_profile" not in out.info  # it is sRGB now
    if target != "jpeg":
        original = Path(out.filename).parents[1] / f"photo.{ENDINGS[source]}"
        assert np.array_equal(read_image(out.filename), enlarge(read_image(original)))


@pytest.mark.parametrize("target", ENDINGS)
@pytest.mark.parametrize(
    ("data", "source"),
    [
        (coloured(gama(1), chrm(*P3)), "png"),
        (coloured(cicp(12, 13, 0, 1)), "png"),
        (flat(65535, "R03"), "jpeg"),
    ],
    ids=["gAMA", "cICP", "EXIF"],
)
def test_an_output_names_no_colour_space_that_its_pixels_left(
    enlarged, capsys, data, source, target
):
    out = enlarged(data, source, target)
    assert "were converted to sRGB." in capsys.readouterr().out
    assert not {"gamma", "chromaticity", "srgb", "icc_profile"} & out.info.keys()
    assert b"cICP" not in Path(out.filename).read_bytes()
    assert out.getexif().get_ifd(IFD.Exif).get(Tag.ColorSpace, 1) == 1
    if target != "jpeg":
        original = Path(out.filename).parents[1] / f"photo.{ENDINGS[source]}"
        assert np.array_equal(read_image(out.filename), enlarge(read_image(original)))
        assert read_picture(out.filename).notes == ()


@pytest.mark.parametrize("target", ENDINGS)
@pytest.mark.parametrize("source", ENDINGS)
def test_stripped_it_says_nothing(enlarged, source, target):
    out = enlarged(photo(source), source, target, "--strip")
    assert out.info.get("dpi", (1, 1))[0] in (1, 96, 72)
    assert not {"xmp", "exif", "photoshop", "comment", "icc_profile"} & out.info.keys()
    layout = {*range(254, 340)} - {270, 305, 306, 315}
    assert set(out.getexif()) <= (layout if target == "tiff" else set())
    assert not getattr(out, "text", {})


def test_a_thumbnail_is_dropped(enlarged):
    block = io.BytesIO()
    Pillow.fromarray(PHOTO[:8, :8]).save(block, "JPEG")
    small = block.getvalue()
    exif = b"II*\0\x08\0\0\0" + b"\1\0" + b"\x31\1\2\0\4\0\0\0abc\0" + b"\x1a\0\0\0"
    exif += b"\2\0" + b"\1\2\4\0\1\0\0\0\x38\0\0\0" + b"\2\2\4\0\1\0\0\0"
    exif += len(small).to_bytes(4, "little") + b"\0\0\0\0" + small
    block = io.BytesIO()
    Pillow.fromarray(PHOTO).save(block, "JPEG", exif=b"Exif\0\0" + exif)
    assert Pillow.open(block).getexif().get_ifd(IFD.IFD1)
    out = enlarged(block.getvalue(), "jpeg", "jpeg")
    assert out.getexif()[Tag.Software] == "abc"
    assert not out.getexif().get_ifd(IFD.IFD1)
    assert small not in Path(out.filename).read_bytes()


GRAY = PHOTO[..., 1]
ALPHA = np.where(np.indices(GRAY.shape)[0] > 9, 255, 80).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "modes"),
    [
        (Pillow.fromarray(GRAY), {"png": "L", "tiff": "L", "jpeg": "L", "webp": "RGB"}),
        (
            Pillow.merge("LA", [Pillow.fromarray(x) for x in (GRAY, ALPHA)]),
            {"png": "LA", "tiff": "LA", "jpeg": "L", "webp": "RGBA"},
        ),
        (Pillow.fromarray(PHOTO), dict.fromkeys(ENDINGS, "RGB")),
        (Pillow.fromarray(PHOTO).quantize(8), dict.fromkeys(ENDINGS, "RGB")),
        (Pillow.fromarray(GRAY).quantize(8), dict.fromkeys(ENDINGS, "RGB")),
        (Pillow.fromarray(GRAY).convert("1"), dict.fromkeys(ENDINGS, "RGB")),
        (Pillow.fromarray(GRAY.astype(np.uint16) * 257), {"png": "L", "tiff": "L", "jpeg": "L"}),
        (
            Pillow.fromarray(np.dstack([PHOTO, ALPHA])),
            {"png": "RGBA", "tiff": "RGBA", "webp": "RGBA", "jpeg": "RGB"},
        ),
    ],
    ids=["L", "LA", "RGB", "P", "gray P", "1", "I;16", "RGBA"],
)
@pytest.mark.parametrize("target", ENDINGS)
def test_gray_stays_gray(enlarged, picture, modes, target):
    if target not in modes:
        return
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    out = enlarged(buffer.getvalue(), "png", target)
    assert out.mode == modes[target]
    if target != "jpeg":
        source = read_picture(Path(out.filename).parents[1] / "photo.png")
        result = read_picture(out.filename)
        if source.alpha is None:
            assert np.array_equal(result.colours, enlarge(source.colours))


def test_a_resolution_across_and_down_turns_with_the_picture(enlarged):
    exif = Pillow.Exif()
    exif[Tag.Orientation] = 6
    buffer = io.BytesIO()
    Pillow.fromarray(PHOTO).save(buffer, "JPEG", dpi=(300, 150), exif=exif)
    assert enlarged(buffer.getvalue(), "jpeg", "jpeg").info["dpi"] == (150, 300)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_metadata_loses_itself_and_not_the_picture(enlarged):
    buffer = io.BytesIO()
    Pillow.fromarray(PHOTO).save(buffer, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff nonsense")
    assert enlarged(buffer.getvalue(), "jpeg", "png").size == (104, 128)


def test_a_format_that_cannot_hold_it_says_which_can(tmp_path, capsys):
    Pillow.new("RGB", (4100, 2)).save(tmp_path / "wide.png")
    args = [tmp_path / "wide.png", "--method", "bicubic", "--format", "webp", "--out", tmp_path]
    assert main([*map(str, args)]) == 1
    assert "webp cannot hold 16400 x 8 pixels: use --format png" in capsys.readouterr().err


def test_the_quality_of_a_jpeg(enlarged):
    buffer = io.BytesIO()
    Pillow.fromarray(PHOTO).save(buffer, "PNG")
    sizes = []
    for quality in ("30", "95"):
        out = enlarged(buffer.getvalue(), "png", "jpeg", "--quality", quality, "--overwrite")
        sizes.append(Path(out.filename).stat().st_size)
    assert sizes[0] * 2 < sizes[1]

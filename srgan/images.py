"""Pictures as arrays: reading files, shrinking, enlarging, and the border to the networks' tensors.

An `Image` is (H, W, 3) uint8 sRGB everywhere outside a network. A network sees `lr` in [0, 1] and
`hr` or `sr` in [-1, 1] (the paper's ranges, arXiv 1609.04802, section 3.2); only here they change.
Functions that take an `Image` raise a `ValueError` naming type and shape when given anything else.
"""

import io
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from PIL import ImageChops, ImageCms, ImageOps
from PIL.ExifTags import Base as Tag
from PIL.Image import Resampling, Transpose

Image = NDArray[np.uint8]
SCALE = 4
MAX_DECODED_PIXELS = 64_000_000  # a 61-megapixel camera's photo fits

_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")  # JPEG includes phones' MPO
_MAGIC = re.compile(
    rb"\x89PNG|\xff\xd8\xff|RIFF....WEBP|....ftyp(avi[fs]|mif1|msf1)|II[*+]\0|MM\0[*+]|BM|GIF8",
    re.DOTALL,
)
_HEIC = re.compile(rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL)


class ImageError(ValueError):
    """A picture that cannot be used; the message is written for the person who gave it."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture file, upright, in 8-bit sRGB.

    Attributes:
        colours: (H, W, 3), as in the file: not multiplied by `alpha`.
        alpha: (H, W), 0 transparent to 255 opaque; None when it is opaque everywhere.
        notes: What was changed, in sentences for the person who gave the file.
    """

    colours: Image
    alpha: NDArray[np.uint8] | None
    notes: tuple[str, ...]

    @property
    def image(self) -> Image:
        """The colours laid on white, (H, W, 3)."""
        if self.alpha is None:
            return self.colours
        mask = PIL.Image.fromarray(self.alpha)
        white = PIL.Image.new("RGB", mask.size, "white")
        return np.array(PIL.Image.composite(PIL.Image.fromarray(self.colours), white, mask))


def read_picture(path: str | Path, max_pixels: int = MAX_DECODED_PIXELS) -> Picture:
    """Read a PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF file, known by its content, not its name.

    It is turned upright (EXIF) and converted to sRGB (ICC); of several frames or pages the first
    counts. Gray with 16 bits a sample is scaled from 0..65535 to 0..255 and rounded, colour with 16
    bits keeps the upper 8. Gray with 32 bits is scaled from 0..1 (float) or 0..255 (integer) if all
    values lie there, and else stretched: the lowest becomes black, the highest white.

    Args:
        path: The file.
        max_pixels: Most pixels (width times height) it may have; looked up before decoding.

    Raises:
        ImageError: Not there, no such format, broken, or too large.
    """
    try:
        if not Path(path).is_file():
            raise ImageError("There is no such file, or it is a folder. Choose a picture file.")
        with open(path, "rb") as file:
            return _open(file, max_pixels)
    except OSError as error:
        raise ImageError("This file cannot be opened. Check that you may read it.") from error


def read_image(path: str | Path, max_pixels: int = MAX_DECODED_PIXELS) -> Image:
    """Read a file as `read_picture` does, transparent parts laid on white: (H, W, 3).

    Raises:
        ImageError: Not there, no such format, broken, or too large.
    """
    return read_picture(path, max_pixels).image


def crop_to_scale(image: Image) -> Image:
    """Crop at the bottom and right to multiples of 4: (H, W, 3) to a view (4h, 4w, 3).

    Raises:
        ImageError: A side has less than 4 pixels.
    """
    height, width = _checked(image).shape[:2]
    if min(height, width) < SCALE:
        smallest = f"the smallest that can be shrunk and compared is {SCALE} × {SCALE}"
        raise ImageError(f"This picture has {width} × {height} pixels; {smallest}.")
    return image[: height - height % SCALE, : width - width % SCALE]


def shrink(hr: Image) -> Image:
    """Shrink as MATLAB's `imresize(hr, 1/4)` does, bit for bit: (4h, 4w, 3) to (h, w, 3).

    First the height shrinks, then the width, each time rounded to 8 bits (half up): small pixel i
    is the sum of `hr[4i + 1.5 + d] * k(d / 4) / 4` over d = -7.5, -6.5 ... 7.5 with the border
    replicated; k is Keys' cubic with a = -0.5 (IEEE TASSP 29, 1981). The weights are multiples of
    1/4096, so the sums are exact. Gives all 119 small images of Set5, Set14 and BSD100.
    """
    if _checked(hr).shape[0] % SCALE or hr.shape[1] % SCALE:
        raise ValueError(f"expected (4h, 4w, 3), got {hr.shape}")
    height, width = hr.shape[:2]
    # Pillow has this kernel, but shrinks the width first and cuts the kernel off at the border.
    pad = 2 * SCALE
    padded = PIL.Image.fromarray(np.pad(hr, ((pad, pad), (pad, pad), (0, 0)), mode="edge"))
    box = (0, pad, width + 2 * pad, height + pad)
    flat = padded.resize((padded.width, height // SCALE), Resampling.BICUBIC, box)
    box = (pad, 0, width + pad, flat.height)
    return np.array(flat.resize((width // SCALE, flat.height), Resampling.BICUBIC, box))


def enlarge(lr: Image) -> Image:
    """Enlarge four times, bicubic as in Pillow (a = -0.5): (h, w, 3) to (4h, 4w, 3)."""
    height, width = _checked(lr).shape[:2]
    size = (SCALE * width, SCALE * height)
    return np.array(PIL.Image.fromarray(lr).resize(size, Resampling.BICUBIC))


def repeat(lr: Image) -> Image:
    """Enlarge four times, every pixel to a block of 4 × 4: (h, w, 3) to (4h, 4w, 3)."""
    return _checked(lr).repeat(SCALE, axis=0).repeat(SCALE, axis=1)


def to_lr(image: Image) -> torch.Tensor:
    """Make the networks' input: (h, w, 3) to float32 (1, 3, h, w) in [0, 1]."""
    planes = np.ascontiguousarray(_checked(image).transpose(2, 0, 1), dtype=np.float32)
    return torch.from_numpy(planes)[None].div_(255)


def to_hr(image: Image) -> torch.Tensor:
    """Make the networks' target: (H, W, 3) to float32 (1, 3, H, W) in [-1, 1]."""
    return to_lr(image).mul_(2).sub_(1)


def to_image(sr: torch.Tensor) -> Image:
    """Make an image of a network's output, (1, 3, H, W) or (3, H, W), nominally in [-1, 1].

    Values are clamped and rounded to the nearest level: `to_image(to_hr(image))` equals `image`.

    Raises:
        ValueError: Another shape; names it.
    """
    planes = sr.squeeze(0) if sr.ndim == 4 else sr
    if planes.ndim != 3 or planes.shape[0] != 3:
        raise ValueError(f"expected (1, 3, H, W) or (3, H, W), got {tuple(sr.shape)}")
    levels = planes.detach().float().clamp(-1, 1).add_(1).mul_(127.5).round_().to(torch.uint8)
    return levels.permute(1, 2, 0).contiguous().cpu().numpy()


def write_png(image: Image, path: str | Path, alpha: NDArray[np.uint8] | None = None) -> None:
    """Write (H, W, 3) and perhaps alpha (H, W) as PNG, losslessly; replaces a file in one step.

    Raises:
        OSError: The folder is missing, full or read-only; what was there stays.
    """
    picture = PIL.Image.fromarray(_checked(image))
    if alpha is not None:
        if alpha.dtype != np.uint8 or alpha.shape != image.shape[:2]:
            raise ValueError(f"expected uint8 {image.shape[:2]}, got {alpha.dtype} {alpha.shape}")
        picture.putalpha(PIL.Image.fromarray(alpha))
    temporary = Path(path).with_name(f".{uuid.uuid4().hex}.part")
    try:
        picture.save(temporary, "PNG", compress_level=1)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _checked(image: Image) -> Image:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"expected uint8 (H, W, 3), got {image.dtype} {image.shape}")
    return image


def _open(file: BinaryIO, max_pixels: int) -> Picture:
    """Decode; whatever a broken file makes Pillow raise becomes an `ImageError`."""
    head = file.read(4096)
    try:
        return _convert(PIL.Image.open(file, formats=_FORMATS), max_pixels)
    except ImageError:
        raise
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        pixels, limit = map(int, re.findall(r"\d+", str(error)))  # Pillow's own limit comes first
        raise ImageError(_too_large(pixels, min(limit, max_pixels))) from error
    except MemoryError as error:
        raise ImageError("There is too little memory for this picture. Make it smaller.") from error
    except Exception as error:
        raise ImageError(_refusal(head)) from error


def _too_large(pixels: int, limit: int) -> str:
    size = f"This picture has {pixels / 1e6:g} megapixels; the limit is {limit / 1e6:g} megapixels."
    return f"{size} Make it smaller and try again."


def _refusal(head: bytes) -> str:
    """Say what a file that cannot be decoded is, by its first bytes."""
    if not head:
        return "This file is empty. Download or copy it again."
    if _HEIC.match(head) and b"avif" not in head[:64]:
        return (
            "This is a HEIC photo, which cannot be read here. Export it as JPEG (an iPhone takes "
            "JPEG with Settings, Camera, Formats, Most Compatible) and try again."
        )
    if _MAGIC.match(head):
        what = "This picture is damaged, cut off, or stored in a way that cannot be read here."
        return f"{what} Open it in an image editor, save it as PNG and try again."
    if b"<svg" in head:
        return "This is an SVG drawing, which has no pixels. Export it as PNG in the size you need."
    return "This is no picture that can be read here. Use PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF."


def _convert(decoded: PIL.Image.Image, max_pixels: int) -> Picture:
    """Decode an opened file and take it to upright 8-bit sRGB."""
    if decoded.width * decoded.height > max_pixels:
        raise ImageError(_too_large(decoded.width * decoded.height, max_pixels))
    notes = []
    stored = _stored(decoded, max_pixels)
    # The other pictures in a phone's JPEG (MPO) are depth maps and the like.
    if getattr(decoded, "is_animated", False) and decoded.format != "MPO":
        kind = "page of this file" if decoded.format == "TIFF" else "frame of this animation"
        notes.append(f"Only the first {kind} is used.")
    _turn_upright(decoded, notes)
    alpha = _split_alpha(decoded, stored)
    if alpha is not None:
        notes.append("Its transparent parts are laid on white.")
    colours = _to_8_bits(decoded, stored, notes)
    if colours.mode == "CMYK":
        notes.append("Its printing colours (CMYK) were converted to sRGB.")
    if profile := decoded.info.get("icc_profile"):
        colours = _to_srgb(colours, profile, notes)
    colours = _as_mode(colours, "RGB")
    if decoded.format == "WEBP":  # it has no gray mode, and its arithmetic tints gray by one level
        red, green, blue = colours.split()
        if all(ImageChops.difference(green, x).getextrema()[1] <= 1 for x in (red, blue)):
            colours = green.convert("RGB")
    return Picture(np.array(colours), alpha, tuple(notes))


def _stored(decoded: PIL.Image.Image, max_pixels: int) -> str:
    """Return Pillow's name for the samples of a PNG or TIFF ("RGB;16B"), "" for other formats."""
    if decoded.format not in ("PNG", "TIFF"):
        return ""
    codec, _, _, args = decoded.tile[0]
    stored = args if isinstance(args, str) else args[0]
    if decoded.format == "TIFF":
        tags = decoded.tag_v2
        if tags.get(Tag.NewSubfileType, 0) & 1:
            raise ValueError("a camera's raw file, of which Pillow would give the thumbnail")
        if tags.get(Tag.TileWidth, 0) * tags.get(Tag.TileLength, 0) > max_pixels:
            raise ValueError("one tile, decoded whole, would be larger than any picture may be")
        if codec == "libtiff" and stored in ("F;32BF", "I;32BS", "I;16BS"):
            raise ValueError("Pillow 12.3 swaps bytes that are in order already")
        planar = tags.get(Tag.PlanarConfiguration) == 2
        if planar and codec == "raw" and tags[Tag.BitsPerSample][0] > 8:
            raise ValueError("Pillow 12.3 reads planes of 16 bits as planes of 8")
    return stored


def _turn_upright(decoded: PIL.Image.Image, notes: list[str]) -> None:
    """Decode the pixels and apply the EXIF orientation, in place."""
    orientation = getattr(decoded, "tag_v2", {}).get(Tag.Orientation)
    decoded.load()  # a TIFF turns itself
    with suppress(Exception):  # a broken EXIF block must not lose the picture
        orientation = decoded.getexif().get(Tag.Orientation, orientation)
        ImageOps.exif_transpose(decoded, in_place=True)
    if orientation in range(2, 9):
        notes.append("It was turned upright, as its EXIF data says.")


def _split_alpha(decoded: PIL.Image.Image, stored: str) -> NDArray[np.uint8] | None:
    """Return the transparency, (H, W), or None if there is none, and remove the colour key."""
    if not decoded.has_transparency_data:
        return None
    # PNG gives a transparent colour at the file's depth; Pillow compares it with 8 bits.
    key = decoded.info.pop("transparency", None)
    if key is not None and stored == "I;16B":
        alpha = PIL.Image.fromarray(np.uint8(255) * (np.asarray(decoded) != key))
    else:
        if key is not None:
            factor = {"L;2": 85, "L;4": 17}.get(stored, 1)
            key = tuple(x >> 8 for x in key) if stored == "RGB;16B" else key * factor
            decoded.info["transparency"] = key
        alpha = _as_mode(decoded, "RGBA").getchannel("A")
        decoded.info.pop("transparency", None)
    return None if alpha.getextrema()[0] == 255 else np.array(alpha)


def _to_8_bits(decoded: PIL.Image.Image, stored: str, notes: list[str]) -> PIL.Image.Image:
    """Convert to 8 bits a sample: L for any gray, CMYK, or RGB for all else; drops alpha."""
    deep = stored == "I;12" or ";16" in stored or decoded.mode in ("I", "F")
    if deep:
        notes.append("It has more than 8 bits a sample; they were scaled to 8.")
    if deep and decoded.mode[0] in "IF":
        top = {"I": 255, "F": 1}.get(decoded.mode, 4095 if stored == "I;12" else 65535)
        values = np.asarray(decoded)
        levels = _scale(values.view(np.uint32) if stored == "I;32N" else values, top, notes)
        white_is_zero = (
            decoded.format == "TIFF" and decoded.tag_v2.get(Tag.PhotometricInterpretation) == 0
        )
        return PIL.Image.fromarray(255 - levels if white_is_zero else levels)
    if decoded.mode == "CMYK":
        return decoded
    gray = PIL.Image.getmodebase(decoded.mode) == "L" or stored == "LA;16B"
    return _as_mode(decoded, "L" if gray else "RGB")


def _as_mode(picture: PIL.Image.Image, mode: str) -> PIL.Image.Image:
    """Convert, but without the copy that Pillow makes when there is nothing to do."""
    return picture if picture.mode == mode else picture.convert(mode)


def _scale(values: NDArray, top: int, notes: list[str]) -> NDArray[np.uint8]:
    """Scale 0..top to 0..255; if a value lies outside, scale between the extremes instead."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if low >= 0 and high <= top:
        low, high = 0.0, float(top)
    else:
        notes.append("Its values were stretched from the lowest to the highest.")
    levels = np.empty(values.size, np.uint8)
    for start in range(0, values.size, 1 << 20):  # doubles of a whole picture would be 0.5 GB
        part = values.reshape(-1)[start : start + (1 << 20)].astype(np.float64)
        part = np.nan_to_num(part, nan=low, posinf=high, neginf=low) - low
        levels[start : start + (1 << 20)] = np.rint(part * (255 / ((high - low) or 1)))
    return levels.reshape(values.shape)


def _to_srgb(colours: PIL.Image.Image, icc: bytes, notes: list[str]) -> PIL.Image.Image:
    """Convert L, RGB or CMYK from its own ICC profile to sRGB; L stays L."""
    gray = colours.mode == "L"
    flags = ImageCms.Flags.NOOPTIMIZE if gray else ImageCms.Flags.NONE  # 10 levels off in the dark
    try:
        profile, srgb = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(profile, srgb, colours.mode, "RGB", flags=flags)
    except (ImageCms.PyCMSError, OSError, TypeError):
        notes.append("Its colour profile does not fit and was left out.")
        return colours
    if colours.mode != "CMYK":  # an sRGB profile would add rounding noise: see what it does first
        ramp = PIL.Image.linear_gradient("L")
        turned = (ramp.transpose(t) for t in (Transpose.ROTATE_90, Transpose.ROTATE_180))
        probe = ramp if gray else PIL.Image.merge("RGB", (ramp, *turned))
        out = ImageCms.applyTransform(probe, transform)
        if np.max(ImageChops.difference(probe.convert("RGB"), out).getextrema()) <= 2:
            return colours
        notes.append("Its colour profile was converted to sRGB.")
    if gray:
        return colours.point(out.getchannel("G").crop((0, 0, 1, 256)).tobytes())
    return ImageCms.applyTransform(colours, transform)

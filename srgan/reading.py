"""Photo files as pictures: one policy for every format, depth, colour space and orientation."""

import io
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageChops, ImageCms, ImageOps
from PIL.ExifTags import Base as Tag
from PIL.Image import Transpose

from srgan.colour import find_profile, read_cicp
from srgan.guard import check_exif
from srgan.images import Image, ImageError
from srgan.metadata import Metadata, read_metadata
from srgan.opening import MAX_DECODED_PIXELS, check_tiff, look_into, stored_as


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture file, upright, in 8-bit sRGB.

    Attributes:
        colours: (H, W, 3), as in the file: not multiplied by `alpha`.
        alpha: (H, W), 0 transparent to 255 opaque; None when it is opaque everywhere.
        notes: What was changed, in sentences for the person who gave the file.
        metadata: What else the file says.
    """

    colours: Image
    alpha: NDArray[np.uint8] | None
    notes: tuple[str, ...]
    metadata: Metadata = field(default_factory=Metadata)

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

    It is turned upright (EXIF) and converted to sRGB: from its ICC profile, from what a PNG says in
    cICP, gAMA and cHRM, or from Adobe RGB named in EXIF alone (see `srgan.colour`). Of several
    frames or pages the first counts. Gray with 16 bits a sample is scaled from 0..65535 to 0..255
    and rounded, colour with 16 bits keeps the upper 8. Gray with 32 bits is scaled from 0..1
    (float) or 0..255 (integer) if all values lie there, and else stretched: the lowest becomes
    black, the highest white.

    Args:
        path: The file.
        max_pixels: Most pixels (width times height) it may have; looked up before decoding.

    Raises:
        ImageError: Not there, no such format, broken, or too large.
    """
    return look_into(path, _convert, max_pixels)


def read_size(path: str | Path) -> tuple[int, int]:
    """Look up width and height without decoding, as the file has them: before it is turned.

    Raises:
        ImageError: Not there, no such format, its head is broken, or too large.
    """
    return look_into(path, lambda opened: opened.size, MAX_DECODED_PIXELS)


def read_image(path: str | Path) -> Image:
    """Read a file as `read_picture` does, transparent parts laid on white: (H, W, 3).

    Raises:
        ImageError: Not there, no such format, broken, or too large.
    """
    return read_picture(path).image


def take_picture(image: PIL.Image.Image) -> Picture:
    """Take a picture that Pillow holds, in any mode, as `read_picture` takes its file.

    It is loaded and otherwise left as it is.

    Raises:
        ImageError: It has no pixels, or its file is broken.
    """
    try:
        is_deep = image.mode.startswith("I;16")
        stored, cicp = "I;16B" if is_deep else "", read_cicp(image)
        if image.format and getattr(image, "tile", None):  # opened and not loaded yet
            stored = stored_as(image)
            if image.format == "TIFF":
                check_tiff(image, MAX_DECODED_PIXELS)
        return _to_picture(image.copy(), stored, image.format, cicp)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(f"This picture cannot be used: {error}.") from error


def _convert(decoded: PIL.Image.Image) -> Picture:
    """Decode an opened file and take it to upright 8-bit sRGB."""
    return _to_picture(decoded, stored_as(decoded), decoded.format, read_cicp(decoded))


def _to_picture(decoded: PIL.Image.Image, stored: str, format: str | None, cicp: bytes) -> Picture:
    """Take to upright 8-bit sRGB, in place; see `stored_as` and `read_cicp`."""
    notes: list[str] = []
    # The other pictures in a phone's JPEG (MPO) are depth maps and the like.
    if getattr(decoded, "is_animated", False) and format != "MPO":
        kind = "page of this file" if format == "TIFF" else "frame of this animation"
        notes.append(f"Only the first {kind} is used.")
    orientation = _turn_upright(decoded, notes)
    metadata = read_metadata(decoded, orientation in range(5, 9))
    alpha = _split_alpha(decoded, stored)
    if alpha is not None:
        notes.append("Its transparent parts are laid on white.")
    colours = _to_8_bits(decoded, stored, notes)
    if colours.mode == "CMYK":
        notes.append("Its printing colours (CMYK) were converted to sRGB.")
    profile, about = find_profile(decoded, format, cicp, is_gray=colours.mode == "L")
    if profile:
        colours = _to_srgb(colours, profile, notes, about)
    elif about and colours.mode != "CMYK":
        notes.append(about)
    colours = _as_mode(colours, "RGB")
    if format == "WEBP":  # it has no gray mode, and its arithmetic tints gray by one level
        red, green, blue = colours.split()
        if all(ImageChops.difference(green, x).getextrema()[1] <= 1 for x in (red, blue)):
            colours = green.convert("RGB")
    return Picture(np.array(colours), alpha, tuple(notes), metadata)


def _turn_upright(decoded: PIL.Image.Image, notes: list[str]) -> int | None:
    """Decode the pixels and apply the EXIF orientation, in place; return what it was."""
    orientation = getattr(decoded, "tag_v2", {}).get(Tag.Orientation)
    decoded.load()  # a TIFF turns itself
    check_exif(decoded.info)
    with suppress(Exception):  # a broken EXIF block must not lose the picture
        orientation = decoded.getexif().get(Tag.Orientation, orientation)
        ImageOps.exif_transpose(decoded, in_place=True)
    if orientation in range(2, 9):
        notes.append("It was turned upright, as its EXIF data says.")
    return orientation


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


def _to_srgb(colours: PIL.Image.Image, icc: bytes, notes: list[str], about: str) -> PIL.Image.Image:
    """Convert L, RGB or CMYK from an ICC profile to sRGB; L stays L. `about` says it was done."""
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
        notes.append(about)
    if gray:
        return colours.point(out.getchannel("G").crop((0, 0, 1, 256)).tobytes())
    return ImageCms.applyTransform(colours, transform)

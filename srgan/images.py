"""Pictures as arrays: shrinking, enlarging, and the border to the networks' tensors.

An `Image` is (H, W, 3) uint8 sRGB everywhere outside a network. A network sees `lr` in [0, 1] and
`hr` or `sr` in [-1, 1] (the paper's ranges, arXiv 1609.04802, section 3.2); only here they change.
Functions that take an `Image` raise a `ValueError` naming type and shape when given anything else.
"""

import uuid
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from PIL.Image import Resampling

Image = NDArray[np.uint8]
SCALE = 4


class ImageError(ValueError):
    """A picture that cannot be used; the message is written for the person who gave it."""


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


def is_gray(image: Image) -> bool:
    """Tell whether R = G = B everywhere."""
    return bool((image == image[..., :1]).all())


def write_png(image: Image, path: str | Path) -> None:
    """Write (H, W, 3) as PNG, losslessly; replaces a file in one step.

    Colours are compressed by run lengths alone: of what was enlarged, files are a tenth smaller
    than with zlib's usual search at its fastest, and made sooner. Gray ones would be half as large
    again.

    Raises:
        OSError: The folder is missing, full or read-only; what was there stays.
    """
    picture = PIL.Image.fromarray(_checked(image))
    temporary = Path(path).with_name(f".{uuid.uuid4().hex}.part")
    try:
        strategy = zlib.Z_DEFAULT_STRATEGY if is_gray(image) else zlib.Z_RLE
        picture.save(temporary, "PNG", compress_level=1, compress_type=strategy)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _checked(image: Image) -> Image:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"expected uint8 (H, W, 3), got {image.dtype} {image.shape}")
    return image

"""Small networks of other architectures with random weights, as files of people have them."""

import warnings

import torch
from safetensors.torch import save_file
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN
from spandrel.architectures.SPAN import SPAN
from spandrel.architectures.SwinIR import SwinIR


def network(kind, seed=0, scale=4, channels=3):
    """A network whose pictures show what went in, with what its weights add."""
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = {
            "ESRGAN": lambda: ESRGAN(
                in_nc=channels, out_nc=channels, num_filters=8, num_blocks=1, scale=scale
            ),
            "SPAN": lambda: SPAN(
                num_in_ch=channels, num_out_ch=channels, feature_channels=8, upscale=scale
            ),
            "Compact": lambda: Compact(
                num_in_ch=channels, num_out_ch=channels, num_feat=8, num_conv=4, upscale=scale
            ),
            "SwinIR": lambda: SwinIR(
                img_size=16,
                in_chans=channels,
                embed_dim=12,
                depths=[2, 2],
                num_heads=[2, 2],
                window_size=8,
                mlp_ratio=2,
                upscale=scale,
                upsampler="pixelshuffledirect",
            ),
        }[kind]()
    return made.eval()


def save_network(path, kind, **choices):
    """Write a network's weights as .safetensors, or as .pth in the way of BasicSR."""
    weights = {k: v.contiguous() for k, v in network(kind, **choices).state_dict().items()}
    if path.suffix == ".safetensors":
        save_file(weights, path)
    else:
        torch.save({"params_ema": weights}, path)
    return path

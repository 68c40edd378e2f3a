"""SRResNet and SRGAN (Ledig et al., CVPR 2017): networks, weights, upscaling and scores.

net = srgan.SRGAN.from_pretrained()
sr = net.enlarge(PIL.Image.open("photo.jpg"))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srgan.models import Generator
    from srgan.pretrained import SRGAN, SRResNet

__version__ = "0.2.0"
__all__ = ["SRGAN", "Generator", "SRResNet", "__version__"]

_HOMES = {"SRGAN": "pretrained", "SRResNet": "pretrained", "Generator": "models"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - torch is loaded only by who asks for a network
    if name in _HOMES:
        return getattr(import_module(f"srgan.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'srgan' has no attribute {name!r}")

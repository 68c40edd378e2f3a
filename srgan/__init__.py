"""SRResNet and SRGAN (Ledig et al., CVPR 2017): networks, weights, upscaling and scores."""

__version__ = "0.2.0"

"""SRResNet and SRGAN (Ledig et al., CVPR 2017): networks, weights, upscaling and scores."""

"""Photos for tests of scores, and two ways to spoil one."""

import numpy as np
import PIL.Image
import skimage.data
from PIL import ImageFilter

ASTRONAUT = skimage.data.astronaut()  # 512 x 512
COFFEE = skimage.data.coffee()  # 400 x 600
CAT = skimage.data.chelsea()[:, :448]  # 300 x 448


def noisy(image, sigma=10.0):
    noise = np.random.default_rng(1).normal(0, sigma, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def blurred(image, radius=6):
    return np.array(PIL.Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))

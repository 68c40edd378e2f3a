"""Parts of `srgan.evaluate`: sets of images, reports, copies among training photos."""

"""Parts of `srgan.train`: options, one step, checkpoints, curves."""

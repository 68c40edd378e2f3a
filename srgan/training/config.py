"""All that can be chosen about a training run: each option once, as a field and an argument."""

import json
import math
from dataclasses import asdict, dataclass

from srgan.features import NAMES
from srgan.images import SCALE
from srgan.losses import GRID_LOSS_SIDE
from srgan.metrics import MIN_SIDE
from srgan.training.options import BUDGET, FILES, GAN, LOSS, MACHINE, RECIPE, REPORTS, option

FEATURES_HELP = (
    f"what the content loss compares: {', '.join(NAMES)}, where NETWORK is a classifier of "
    "torchvision and a MAP a node of its graph (convnext_tiny:features.3), or a network of timm "
    "and the number of a stage (resnet50:1,2); several networks with factors: NAME+0.5*NAME"
)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One stretch of training: what both stages have in common."""

    images: str = option(
        FILES,
        "folder of photos to learn from, with all folders in it; files that are no pictures, "
        "broken or smaller than a crop are skipped and listed",
    )
    validation: str | None = option(
        FILES,
        f"folder of photos to score with, at least {MIN_SIDE} pixels a side; Set5 is usual; of one "
        "with HR/ and LR/ the HR/ counts [the last photos of --images, of which no crop is taken]",
        None,
    )
    out: str = option(FILES, "folder of this run: weights, checkpoint, config.json, curves")
    init: str | None = option(
        FILES, "weight file to start from: its generator alone, all else begins anew", None
    )
    continue_from: str | None = option(
        FILES,
        "folder of a finished run of the same stage to go on from as a new stretch: networks, "
        "average, optimisers and step number are taken over; the rate warms up again, stays, and "
        "is annealed at the end. A decayed run loses nothing by this, so stretches can follow "
        "each other again and again",
        None,
        metavar="RUN",
    )

    steps: int | None = option(
        BUDGET,
        "budget in steps; the paper takes 1,000,000 for SRResNet and 200,000 for SRGAN, 10,000 "
        "show a clear gain [10000, unless --minutes]",
        None,
        type=int,
    )
    minutes: float | None = option(
        BUDGET,
        "budget in minutes instead, evaluations included; such a run depends on the machine's "
        "speed and cannot be repeated exactly",
        None,
        type=float,
    )
    rate: float = option(
        BUDGET, "Adam's learning rate for the generator; the paper's is 1e-4", 4e-4
    )
    optimizer: str = option(
        BUDGET,
        "adam: the paper's; muon: Muon for the generator's inner convolutions, Adam for the rest, "
        "at the same rate",
        "adam",
        choices=("adam", "muon"),
    )
    beta2: float = option(BUDGET, "of all Adams: decay of the squared gradients", 0.999)
    warmup: int = option(BUDGET, "steps in which the rate rises from 0, linearly", 200)
    schedule: str = option(
        BUDGET,
        "linear: constant, then down to 0 over the last part (see --anneal); cosine: falling all "
        "the way; constant: for a look, its weights are noisier by 0.1 to 0.3 dB",
        "linear",
        choices=("linear", "cosine", "constant"),
    )
    anneal: float = option(BUDGET, "last part of the budget over which 'linear' falls, 0 to 1", 0.4)

    batch: int = option(
        RECIPE, "crops in a step, over all processes together; the paper's is 16", 16
    )
    patch: int = option(RECIPE, "side of the large crops in pixels; the paper's is 96", 96)
    decay: float = option(
        RECIPE,
        "of the running average of the generator, which is what is scored and saved: it remembers "
        "1 / (1 - decay) steps, fewer at first",
        0.999,
    )
    clip: float = option(RECIPE, "longest gradient of a network; longer ones are shortened", 1.0)
    blocks: int = option(RECIPE, "residual blocks of a new generator; the paper's is 16", 16)
    channels: int = option(RECIPE, "width of a new generator; the paper's is 64", 64)
    seed: int = option(RECIPE, "decides about crops and new networks' weights", 0)

    freeze_normalisation: bool = option(
        RECIPE,
        "keep the running statistics of the generator's batch normalisation, as in the adversarial "
        "stage; its scale and shift still learn. Faster, for a trained start",
        False,
    )

    features: str = option(LOSS, FEATURES_HELP, "mse", metavar="NAME")
    features_weights: str | None = option(
        LOSS,
        "file with the feature network's weights, where they cannot be downloaded; of several "
        "networks NAME=FILE,NAME=FILE",
        None,
    )
    content_weight: float = option(
        LOSS,
        "factor of the content loss; the paper's 0.006 (its 1/12.75) is for Caffe's VGG, "
        "torchvision's normalised input needs none",
        1.0,
    )
    total_variation: float = option(
        LOSS, "weight of the total variation; the paper's SRResNet-VGG22 has 2e-8", 0.0
    )

    device: str = option(
        MACHINE, "auto: a GPU if there is one", "auto", choices=("auto", "cpu", "cuda")
    )
    precision: str = option(
        MACHINE,
        "bf16 halves the time where the processor computes in it; losses, normalisation statistics "
        "and weights stay fp32; auto: bf16 there, else fp32",
        "auto",
        choices=("auto", "bf16", "fp32"),
    )
    compile: bool = option(
        MACHINE,
        "compile the generator with torch.compile: minutes at the start, faster on GPUs",
        False,
    )
    cache_gb: float = option(
        MACHINE,
        "memory for decoded photos in GB, of each process; photos beyond it are decoded whenever "
        "they are drawn",
        8.0,
    )
    photos_on_device: bool = option(
        MACHINE,
        "hold all photos in the device's memory, 3.2 bytes a pixel, and cut the batches there: the "
        "same ones, at the speed of a GPU",
        False,
    )
    workers: int = option(MACHINE, "threads that prepare batches ahead", 2)

    evaluate_every: int = option(REPORTS, "steps between scores and sample pictures", 500)
    save_every: int = option(REPORTS, "steps between checkpoints", 500)
    save_minutes: float | None = option(
        REPORTS, "a checkpoint after so many minutes, too", None, type=float
    )
    log_every: int = option(REPORTS, "steps between points of the curves", 20)
    trackers: str = option(
        REPORTS, "beside TensorBoard's files: wandb, trackio, … of accelerate's, with commas", ""
    )

    stage = "srresnet"

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            object.__setattr__(self, "steps", 10_000)
        checks = {
            "choose --steps or --minutes, not both": None in (self.steps, self.minutes),
            "the budget must be positive": (self.steps or self.minutes or 0) > 0,
            "choose --init or --continue-from, not both": None in (self.init, self.continue_from),
            f"--patch must be a multiple of {SCALE}": self.patch > 0 and self.patch % SCALE == 0,
            "--decay and --beta2 must be at least 0 and below 1": min(self.decay, self.beta2) >= 0
            and max(self.decay, self.beta2) < 1,
            "--freeze-normalisation needs trained statistics: --init or --continue-from": (
                not self.freeze_normalisation
                or bool(self.init or self.continue_from)
                or self.stage == "srgan"
            ),
            "--anneal must be between 0 and 1": 0 < self.anneal <= 1,
            "--rate, --clip, --batch and all --…-every must be positive": min(
                *(self.rate, self.clip, self.batch, self.workers),
                *(self.evaluate_every, self.save_every, self.log_every),
            )
            > 0,
        }
        for message, holds in checks.items():
            if not holds:
                raise ValueError(message)

    @property
    def crop(self) -> int:
        """Side of the large crops that the generator makes, in pixels."""
        return self.patch

    def schedule_at(self, progress: float) -> float:
        """Return the share of the full learning rate at a point of the budget, 0 to 1."""
        if self.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        if self.schedule == "linear":
            return min(1.0, (1 - progress) / self.anneal)
        return 1.0

    def to_json(self) -> str:
        """All options, and the stage, as they are written beside the run."""
        return json.dumps({"stage": self.stage, **asdict(self)}, indent=2) + "\n"


@dataclass(frozen=True, kw_only=True)
class SRGANConfig(TrainConfig):
    """One stretch of the adversarial stage."""

    rate: float = option(
        BUDGET, "Adam's learning rate for the generator; the paper's is 1e-4", 1e-4
    )
    features: str = option(LOSS, FEATURES_HELP, "vgg19-54", metavar="NAME")
    pixel: float = option(
        LOSS,
        "weight of an L1 between the images beside the content loss (ESRGAN: 1e-2; not in the "
        "paper)",
        0.0,
    )
    consistency: float = option(
        LOSS,
        "hold the gradient of an L1 between the shrunk output and the input at this share of the "
        "content loss's, against drifting colours; 0.3 is plenty (not in the paper)",
        0.0,
    )
    grid: float = option(
        LOSS,
        "weight of a loss on patterns of 4 and 2 pixels that stand out more than in the originals; "
        "0.02 pulls nearly half as hard as efficientnet-lite0 (not in the paper)",
        0.0,
    )
    artifacts: float = option(
        LOSS,
        "weight of an L1 where the output is restless and further off than the averaged "
        "generator's (LDL: 1; costs another pass; not in the paper)",
        0.0,
    )
    adversarial: float = option(LOSS, "weight of the adversarial loss, fixed as in the paper", 1e-3)
    adversarial_ratio: float | None = option(
        LOSS,
        "instead hold the adversarial gradient at this share of the content loss's, measured at "
        "the image and smoothed over 50 steps: right for any features, 0.3 careful to 1 strong",
        None,
        type=float,
        metavar="R",
    )

    discriminator: str = option(
        GAN,
        "paper: Figure 4; heads: small networks on a frozen one's features and on the pixels "
        "(Projected GAN); unet: Real-ESRGAN's. --gan hinge suits both of these",
        "paper",
        choices=("paper", "heads", "unet"),
    )
    discriminator_features: str = option(
        GAN, "of heads: the frozen network, one of --features", "efficientnet-lite0", metavar="NAME"
    )
    discriminator_features_weights: str | None = option(
        GAN, "of heads: file with its weights, where they cannot be downloaded", None
    )
    condition: bool = option(
        GAN, "let heads and unet see the enlarged small input beside each picture", False
    )
    discriminator_rate: float = option(GAN, "Adam's learning rate for the discriminator", 1e-4)
    discriminator_warmup: int = option(
        GAN, "steps in which the discriminator alone learns, at the start of a new one", 300
    )
    discriminator_channels: int = option(
        GAN,
        "width of its first layer; the paper's is 64; 32 takes a quarter of the time; the unet's "
        "is half of it",
        64,
    )
    gan: str = option(
        GAN,
        "bce: the paper's; relativistic: judge originals and restored images in pairs (RSGAN); "
        "hinge: do not pull at what is clear already",
        "bce",
        choices=("bce", "relativistic", "hinge"),
    )
    spectral_norm: bool = option(
        GAN,
        "spectral instead of batch normalisation in the discriminator (not in the paper)",
        False,
    )
    margin: int = option(
        GAN,
        "pixels by which the generator's crops exceed --patch; they are cut at a random offset "
        "before discriminator and features see them, so that no stride stays aligned with the "
        "4-pixel grid",
        8,
    )
    freeze_upsampling: int = option(
        GAN, "steps after the discriminator's warm-up in which only the layers before them learn", 0
    )

    stage = "srgan"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.init is None and self.continue_from is None:
            raise ValueError(
                "SRGAN starts from an SRResNet: --init weights/srresnet/model.safetensors"
            )
        if self.patch % 16 or self.margin % SCALE:
            raise ValueError(f"--patch must be a multiple of 16 and --margin of {SCALE}")
        if self.discriminator == "paper" and self.condition:
            raise ValueError("--condition is for --discriminator heads or unet")
        if self.discriminator != "paper" and self.spectral_norm:
            raise ValueError("--spectral-norm is for --discriminator paper; the others have it")
        if self.grid and self.crop < GRID_LOSS_SIDE:
            raise ValueError(f"--grid needs crops of {GRID_LOSS_SIDE} pixels: --patch and --margin")

    @property
    def crop(self) -> int:
        """Side of the large crops that the generator makes, in pixels."""
        return self.patch + self.margin

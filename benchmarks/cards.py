"""The model cards on the Hub, a network each: made of its file's metadata and weights/scores.json.

    python -m benchmarks.cards

writes `weights/srresnet/README.md` and `weights/srgan/README.md`, which with `model.safetensors`
are all that a repository on the Hub holds:

    hf upload USER/srgan weights/srgan
"""

import json
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from srgan.evaluation.report import read_json
from srgan.weights import NETWORKS, WEIGHTS, read_card

PHOTOS = ["bsds500", "sun-hays-80"]  # what all shipped weights learned from
METRICS = {
    "psnr_today": ("psnr", "PSNR [dB], BT.601 luma, 4 px shaved", ".2f"),
    "ssim_today": ("ssim", "SSIM 11x11, sigma 1.5, BT.601 luma, 4 px shaved", ".4f"),
    "psnr_paper": ("psnr", "PSNR [dB], the paper's protocol", ".2f"),
    "ssim_paper": ("ssim", "SSIM, the paper's protocol", ".4f"),
}
PURPOSES = {
    "SRResNet": "trained on the squared error: it paints the mean of all plausible answers, which "
    "scores high and looks soft",
    "SRGAN": "trained further from SRResNet with a content loss against a discriminator: it picks "
    "one plausible answer, which looks sharp and scores lower",
}
OTHER = {"SRResNet": "SRGAN", "SRGAN": "SRResNet"}
TEXT = """\
# {name} ×4

The generator of Ledig et al., [*Photo-Realistic Single Image Super-Resolution Using a Generative
Adversarial Network*](https://arxiv.org/abs/1609.04802) (CVPR 2017), {purpose}. Its counterpart is
{other}, the same network with another loss.

```python
from PIL import Image
from srgan import {name}

net = {name}.from_pretrained()  # these weights; or the name of a repository on the Hub
net.enlarge(Image.open("photo.jpg")).save("large.png")
```

Neither network should be used where a picture is evidence: both invent what a photo lost.

## Scores

Means on the small images that come with the sets, in today's protocol (BT.601 luma, 4 pixels off
each side) and the paper's; fp32.

{scores}

## How it was trained

{training}

## Licence

The weights are under the MIT licence. **The photos they learned from are for research use only**
and are not part of the repository.
"""


def model_card(name: str) -> ModelCard:
    """Make the card of "SRResNet" or "SRGAN".

    Raises:
        ValueError: The weight file or the scores cannot be read.
    """
    sets = read_json(WEIGHTS / "scores.json")["sets"]
    means = {s: result["methods"][name.lower()]["mean"] for s, result in sets.items()}
    results = [
        EvalResult(
            task_type="image-to-image",
            task_name="Super-resolution ×4",
            dataset_type=f"eugenesiow/{dataset}",
            dataset_name=dataset,
            metric_type=kind,
            metric_name=title,
            metric_value=float(format(mean[key], form)),
        )
        for dataset, mean in means.items()
        for key, (kind, title, form) in METRICS.items()
    ]
    data = ModelCardData(
        license="mit",
        library_name="srgan",
        pipeline_tag="image-to-image",
        datasets=PHOTOS,
        metrics=["psnr", "ssim"],
        tags=["super-resolution", "srgan"],
        model_name=f"{name} x4",
        eval_results=results,
    )
    text = TEXT.format(
        name=name,
        purpose=PURPOSES[name],
        other=OTHER[name],
        scores=_scores(means),
        training=_training(read_card(WEIGHTS / NETWORKS[name])),
    )
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}")


def _scores(means: dict[str, dict[str, float]]) -> str:
    lines = [
        "| set | PSNR dB | SSIM | PSNR dB, paper's | SSIM, paper's |",
        "|---|---:|---:|---:|---:|",
    ]
    for dataset, mean in means.items():
        cells = (format(mean[key], form) for key, (_, _, form) in METRICS.items())
        lines.append(f"| {dataset} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _training(card: dict[str, str]) -> str:
    """Return the file's own metadata but for the config, which is long, in its order by name."""
    rows = {k: v for k, v in sorted(card.items()) if k not in ("config", "name", "licence")}
    cells = (f"| {_plain(key)} | {_plain(value)} |" for key, value in rows.items())
    return "\n".join(["| | |", "|---|---|", *cells])


def _plain(text: Any) -> str:  # noqa: ANN401
    return json.dumps(str(text), ensure_ascii=False)[1:-1].replace("|", r"\|")


def main() -> None:
    """Write both cards."""
    for name, file in NETWORKS.items():
        model_card(name).save((WEIGHTS / file).with_name("README.md"))


if __name__ == "__main__":
    main()

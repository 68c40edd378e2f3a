"""What lies in the repository: weights that do what the page says, and examples made with them."""

import hashlib
import json

import numpy as np
import pytest
from huggingface_hub import ModelCard

from benchmarks.cards import model_card
from demo.engine.examples import EXAMPLES, NAMES, load_example, original_path
from srgan.evaluation.report import read_json
from srgan.images import shrink
from srgan.metrics import score
from srgan.reading import read_image
from srgan.upscale import NETWORKS, WEIGHTS
from srgan.weights import read_card

DIGESTS = {
    file: hashlib.sha256((WEIGHTS / file).read_bytes()).hexdigest() for file in NETWORKS.values()
}


@pytest.mark.parametrize("name", NAMES)
def test_on_every_example_srresnet_is_closest(upscalers, name):
    hr = read_image(original_path(name))
    sr = {method: upscale(shrink(hr)) for method, upscale in upscalers.items()}
    assert score(sr["SRResNet"], hr).psnr > score(sr["Bicubic"], hr).psnr
    assert score(sr["SRResNet"], hr).psnr > score(sr["SRGAN"], hr).psnr
    # and the stored outputs, which the page shows, are these
    stored = load_example(name).scores
    for method, image in sr.items():
        shown = read_image(EXAMPLES / f"{name}_{method.lower()}_x4.png").astype(int)
        assert np.abs(shown - image).max() <= 1  # another processor may round another way
        assert stored[method].today.psnr == pytest.approx(score(image, hr).psnr, abs=1e-3)


def test_the_examples_were_made_with_these_weights():
    assert json.loads((EXAMPLES / "scores.json").read_text())["weights"] == DIGESTS


def test_the_model_cards_numbers_are_those_of_these_weights_and_as_the_page_says():
    results = read_json(WEIGHTS / "scores.json")
    assert {w["file"]: w["sha256"] for w in results["weights"].values()} == DIGESTS
    card = (WEIGHTS / "README.md").read_text("utf-8")
    assert set(results["sets"]) == {"Set5", "Set14", "BSD100"}
    for entry in results["sets"].values():
        means = {method: m["mean"] for method, m in entry["methods"].items()}
        assert means["srresnet"]["psnr_today"] > means["bicubic"]["psnr_today"]
        assert means["srresnet"]["psnr_today"] > means["srgan"]["psnr_today"]
        for method in ("nearest", "bicubic", "srresnet", "srgan"):
            assert f"| {method} | {means[method]['psnr_today']:.2f} |" in card
    assert all(digest in card for digest in DIGESTS.values())


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_has_a_card_for_the_hub_with_the_scores_of_these_weights(name):
    stored = (WEIGHTS / NETWORKS[name]).with_name("README.md").read_text("utf-8")
    assert stored == str(model_card(name))
    card = ModelCard(stored)
    assert (card.data.license, card.data.library_name) == ("mit", "srgan")
    assert card.data.pipeline_tag == "image-to-image"
    assert "for research use only" in " ".join(card.text.split())
    sets = read_json(WEIGHTS / "scores.json")["sets"]
    results = card.data.eval_results
    assert len(results) == 4 * len(sets) == 12
    for result in results:
        mean = sets[result.dataset_name]["methods"][name.lower()]["mean"]
        values = [v for k, v in mean.items() if k.startswith(result.metric_type)]
        assert any(result.metric_value == pytest.approx(v, abs=0.005) for v in values)


@pytest.mark.parametrize("file", NETWORKS.values())
def test_the_cards_say_how_the_weights_were_made(file):
    card = read_card(WEIGHTS / file)
    assert {"name", "steps", "loss", "data", "licence"} <= card.keys()

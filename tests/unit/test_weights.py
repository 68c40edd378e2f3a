"""Weight files: what goes in comes out, and nothing else is ever loaded."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.networks import random_generator

from srgan.models import Discriminator, Generator
from srgan.weights import FORMAT, load_weights, read_card, save_weights

METADATA = {"format": FORMAT, "blocks": "2", "channels": "4"}


@pytest.fixture
def generator():
    return random_generator(blocks=2, channels=4)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


def refused(path, *reasons):
    """Loading fails and the message names the file and the reasons."""
    with pytest.raises(ValueError, match="weights") as error:
        load_weights(path)
    for part in (str(path), *reasons):
        assert part in str(error.value)


def test_a_saved_generator_comes_back_bit_for_bit(generator, path):
    generator.train()
    generator(torch.rand(2, 3, 8, 8))  # moves the norms' statistics and their counter
    card = {"name": "SRResNet", "data": "527 photos, é"}
    save_weights(generator, path, card)
    loaded = load_weights(path)
    assert not loaded.training
    before, after = generator.state_dict(), loaded.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert {k: v for k, v in read_card(path).items() if k in card} == card


def test_a_bf16_generator_is_stored_in_fp32(generator, path):
    save_weights(generator.bfloat16(), path, {})
    tensors = load_file(path)
    assert tensors["tail.weight"].dtype == torch.float32
    assert torch.equal(tensors["tail.weight"], generator.tail.weight.float())


def test_no_card_makes_a_file_look_like_a_pickle(path):
    """A safetensors file begins with its header's length, whose lowest byte may be a pickle's."""
    generator, first = Generator(1, 1), set()
    for length in range(0, 256, 8):
        save_weights(generator, path, {"note": "x" * length})
        first.add(path.read_bytes()[0])
        load_weights(path)
    assert 0x80 in first


def test_a_failed_save_leaves_the_old_file_and_no_other(generator, path, monkeypatch):
    save_weights(generator, path, {})
    old = path.read_bytes()

    def full(self, data):
        self.open("wb").close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save_weights(random_generator(1, 2, 4), path, {})
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_entry(generator, path):
    state = generator.state_dict()
    del state["body.1.bn2.weight"]
    save_file(state, path, METADATA)
    refused(path, "missing body.1.bn2.weight")


def test_an_entry_too_many(generator, path):
    save_file({**generator.state_dict(), "extra": torch.zeros(1)}, path, METADATA)
    refused(path, "unexpected extra")


def test_a_wrong_shape(generator, path):
    state = generator.state_dict()
    state["tail.weight"] = torch.zeros(3, 4, 5, 5)
    save_file(state, path, METADATA)
    refused(path, "tail.weight is (3, 4, 5, 5) and must be (3, 4, 9, 9)")


def test_another_size_than_the_card_says(generator, path):
    save_file(generator.state_dict(), path, {**METADATA, "blocks": "3"})
    refused(path, "missing body.2.bn1.bias", "more")


@pytest.mark.parametrize("blocks", [None, "", "many"])
def test_a_card_without_the_size(generator, path, blocks):
    metadata = {k: v for k, v in {**METADATA, "blocks": blocks}.items() if v is not None}
    save_file(generator.state_dict(), path, metadata)
    refused(path, "how large")


def test_a_foreign_model(path):
    save_file(Discriminator(32, 2).state_dict(), path)
    refused(path, "another model", "not stated", FORMAT)
    save_file({"model.0.weight": torch.zeros(3)}, path, {"format": "pt"})
    refused(path, "another model", "'pt'")


def test_a_bare_checkpoint_of_the_right_network(path):
    """Without metadata nothing says what it is, even if its names would fit."""
    save_file(Generator(1, 4).state_dict(), path)
    refused(path, "another model")


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 100, 0.5, -1])
def test_a_truncated_file(generator, path, keep):
    save_weights(generator, path, {})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    refused(path, "not a complete safetensors file")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_a_pickle_is_never_opened(tmp_path, monkeypatch, zipped, ending):
    path = tmp_path / f"weights.{ending}"
    torch.save(Generator(1, 4).state_dict(), path, _use_new_zipfile_serialization=zipped)
    monkeypatch.setattr("pickle.load", pytest.fail)
    monkeypatch.setattr("pickle.Unpickler", pytest.fail)
    refused(path, "is a pickle", "can run code")


def test_text_a_folder_and_nothing(tmp_path):
    text = tmp_path / "weights.txt"
    text.write_text("version https://git-lfs.github.com/spec/v1")
    refused(text, "not a complete safetensors file")
    refused(tmp_path / "weights.safetensors", "does not exist")
    (tmp_path / "weights").mkdir()
    refused(tmp_path / "weights", "is a folder")


def test_the_card_is_refused_as_the_weights_are(path):
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="another model"):
        read_card(path)

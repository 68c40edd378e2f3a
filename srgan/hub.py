"""Networks on the Hugging Face Hub: `model.safetensors` and no pickle, strict by name and shape."""

import os
from pathlib import Path
from typing import Any, Self

from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
)

from srgan.weight_files import fill, read_shape, save_weights

FILE = "model.safetensors"
PAPER = "https://arxiv.org/abs/1609.04802"


class OnHub(
    PyTorchModelHubMixin,
    library_name="srgan",
    pipeline_tag="image-to-image",
    paper_url=PAPER,
    tags=["super-resolution", "srgan"],
):
    """A generator with `from_pretrained`, `save_pretrained` and `push_to_hub`."""

    def _save_pretrained(self, save_directory: Path) -> None:
        save_weights(self, save_directory / FILE, {})

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        **config: Any,  # noqa: ANN401 - what config.json and the caller say, to be held to the file
    ) -> Self:
        """Load a folder's or a repository's weights, in evaluation mode on the CPU.

        Raises:
            ValueError: There is no such folder, repository or file, or it does not fit the
                network or what `config` says; names it and the reason.
        """
        if os.path.isdir(model_id):
            path: str | Path = Path(model_id) / FILE
        else:
            try:
                path = hf_hub_download(
                    model_id,
                    FILE,
                    revision=revision,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    local_files_only=local_files_only,
                    token=token,
                )
            except (HFValidationError, HfHubHTTPError, EntryNotFoundError, OSError) as error:
                raise ValueError(_reason(model_id, error)) from error
        shape = read_shape(path)
        if config not in ({}, shape):
            raise ValueError(f"{path} holds a generator of {shape}, and {config} was asked for")
        network = cls(**shape)
        fill(network, path)
        return network.eval()


def _reason(model_id: str, error: Exception) -> str:
    """Say what is wrong with what was asked for."""
    if isinstance(error, LocalEntryNotFoundError):
        why = "it is not in the cache, and the Hub cannot be reached"
    elif isinstance(error, EntryNotFoundError):
        why = f"the repository has no {FILE}, and nothing else is read"
    else:
        why = str(error).strip().splitlines()[-1]
    return f"{model_id!r} is no folder, and could not be had from the Hugging Face Hub: {why}"

"""Networks on the Hugging Face Hub: `model.safetensors` and no pickle, strict by name and shape."""

import os
from pathlib import Path
from typing import Any, Self

from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
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
    def from_pretrained(  # type: ignore[override]
        cls,
        source: str | Path,
        **options: Any,  # noqa: ANN401 - hf_hub_download's own
    ) -> Self:
        """Load a network, in evaluation mode on the CPU.

        How large it is says the weight file; `config.json` is for the Hub and not read.

        Args:
            source: A folder with `model.safetensors`, or a repository of the Hub, "USER/NAME".
            options: For a repository: revision, token, cache_dir, local_files_only, …

        Raises:
            ValueError: There is no such folder, repository or file, or it does not fit; names it
                and the reason.
        """
        if os.path.isdir(source):
            path = os.path.join(source, FILE)
        else:
            try:
                path = hf_hub_download(str(source), FILE, **options)
            except Exception as error:  # also what its HTTP client raises
                raise ValueError(_reason(str(source), error)) from error
        network = cls(**read_shape(path))
        fill(network, path)
        return network.eval()


def _reason(source: str, error: Exception) -> str:
    """Say what is wrong with what was asked for."""
    if isinstance(error, LocalEntryNotFoundError):
        why = "it is not in the cache, and the Hub cannot be reached"
    elif isinstance(error, EntryNotFoundError):
        why = f"the repository has no {FILE}, and nothing else is read"
    else:
        why = str(error).strip().splitlines()[-1]
    return f"{source!r} is no folder, and could not be had from the Hugging Face Hub: {why}"

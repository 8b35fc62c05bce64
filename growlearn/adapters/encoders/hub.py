"""Weights in the local cache of the Hugging Face hub; downloaded where that is allowed."""

from __future__ import annotations

from pathlib import Path

from growlearn.domain.errors import GrowLearnError

_FILE = "model.safetensors"


def find_in_hub(repository: str, revision: str | None, file: str = _FILE) -> Path:
    """A file of a repository: from the cache, else downloaded unless HF_HUB_OFFLINE is set.

    Raises GrowLearnError where it is neither there nor can be fetched, after the hub's own 23 s of trying.
    """
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - timm and transformers bring it

    for is_local in (True, False):
        try:
            return Path(hf_hub_download(repository, file, revision=revision, local_files_only=is_local))
        except (OSError, ValueError) as error:  # not there; no network; no such repository or revision
            last = error
    at = "" if revision is None else f" at revision {revision}"
    raise GrowLearnError(
        f"{repository}{at} is not on this machine, and cannot be downloaded: {str(last).splitlines()[0]}",
        hint=f"run hf download {repository} where there is a network, or give model.encoder.weights a file",
    ) from last

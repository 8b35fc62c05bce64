"""The frozen pretrained encoder of a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from growlearn.domain.validation import require

_KEYS = {"source": "from"}  # a word that Python keeps for itself

FILLED_IN = "filled in"
"""Metadata of a field that no job file gives: applying the job fills it in."""


def _filled_in() -> Any:
    return field(default=None, metadata={FILLED_IN: True})


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Which encoder reads the images or the texts of a stream.

    `source`, which a job file writes `from`, says where it comes from: `timm` and `transformers` make a model
    of that library by its `name`; `file` reads one that `growlearn.encoders.save_encoder` wrote. `weights` is
    a file or a folder with its weights; without it the cache of the Hugging Face hub is read, at `revision`.
    `image_size` is the side that images are resized to, in pixels. `sha256` is that of the stored encoder,
    `reads` the type of column that it reads, `weights_sha256` is of what `weights` named: they are filled in
    when the job is applied, and from then on the stored encoder alone is read.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "alias_generator": lambda name: _KEYS.get(name, name),
        "validate_by_name": True,
        "serialize_by_alias": True,
    }

    source: Literal["timm", "transformers", "file"]
    name: str | None = None
    revision: str | None = None
    weights: str | None = None
    image_size: int | None = None
    sha256: str | None = _filled_in()
    reads: Literal["image", "text"] | None = _filled_in()
    weights_sha256: str | None = _filled_in()

    def __post_init__(self) -> None:
        require(
            self.revision is None or (self.source != "file" and self.weights is None),
            "revision is that of a model in the Hugging Face hub; it says nothing of weights from a file",
        )
        if self.source == "file":
            require(self.weights is not None, "an encoder from file needs weights: the path of that file")
            require(self.name is None, "name is for an encoder from timm or transformers")
        else:
            require(
                self.name is not None or (self.source == "transformers" and self.weights is not None),
                f"an encoder from {self.source} needs name: the model's name there",
            )
        require(
            self.image_size is None or (self.source == "timm" and self.image_size >= 16),
            "image_size must be 16 or more, and is for an encoder from timm",
        )

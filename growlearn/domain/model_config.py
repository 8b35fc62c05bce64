"""Size and shape of the network of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.schema import Schema
from growlearn.domain.validation import STRICT, require

_TABLE_LINEAGE, _LINEAGE = 6, 3  # branches
MAX_PARAMETERS = 1_000_000_000
"""Weights of the largest branch or embedding that a job file may ask for: 4 GB."""
_MAX_PATCH_SIZE, _MAX_BRANCHES = 1024, 1_000_000
MODEL_SIZES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "tiny": {"embed_dim": 32, "depth": 1, "num_heads": 2},
        "small": {"embed_dim": 64, "depth": 1, "num_heads": 4},
        "base": {"embed_dim": 128, "depth": 2, "num_heads": 4},
    }
)
"""Width, layers and attention heads of a branch by the name of a size; an image stem follows the width."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Size and shape of the network.

    `size` gives `embed_dim`, `depth` and `num_heads` the values that are not given: see `MODEL_SIZES`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    size: Literal["tiny", "small", "base"] = "small"
    embed_dim: int = None  # type: ignore[assignment]  # replaced by that of the size, as are the next two
    depth: int = None  # type: ignore[assignment]
    num_heads: int = None  # type: ignore[assignment]
    stem: Literal["conv", "patches"] = "conv"
    patch_size: int = 4  # pixels along each side of a token
    num_initial_branches: int = 1
    max_branches: int = 32
    max_lineage_length: int | Literal["auto"] = "auto"  # branches of a lineage: bounds the cost of an answer
    encoder: EncoderConfig | None = None  # reads the images or texts in place of a trained stem

    def __post_init__(self) -> None:
        for name, value in MODEL_SIZES[self.size].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        for name in ("embed_dim", "depth", "num_heads", "patch_size", "num_initial_branches", "max_branches"):
            require(getattr(self, name) >= 1, f"{name} must be 1 or more")
        self._require_feasible()
        length = self.max_lineage_length
        require(length == "auto" or length >= 1, "max_lineage_length must be 1 or more, or auto")
        require(
            self.embed_dim % self.num_heads == 0,
            f"embed_dim {self.embed_dim} must be a multiple of num_heads {self.num_heads}",
        )
        require(
            self.stem != "conv" or self.patch_size.bit_count() == 1,
            f"patch_size {self.patch_size} must be 1, 2, 4, 8 or another power of two for stem conv",
        )
        require(
            self.num_initial_branches <= self.max_branches,
            f"num_initial_branches {self.num_initial_branches} is more than max_branches {self.max_branches}",
        )

    def _require_feasible(self) -> None:
        """Raise ValueError for a network that no machine could train."""
        weights = 12 * self.embed_dim**2 * self.depth  # attention 4 D^2, feed-forward 8 D^2 a layer
        require(
            weights <= MAX_PARAMETERS,
            f"embed_dim {self.embed_dim} and depth {self.depth} make a branch of {weights:,} weights; at most"
            f" {MAX_PARAMETERS:,} are allowed",
        )
        require(self.patch_size <= _MAX_PATCH_SIZE, f"patch_size must be at most {_MAX_PATCH_SIZE}")
        require(self.max_branches <= _MAX_BRANCHES, f"max_branches must be at most {_MAX_BRANCHES:,}")

    def lineage_limit(self, schema: Schema) -> int:
        """Most branches of one lineage, the new one among them.

        `auto` is 6 where all inputs are plain columns, and 3 elsewhere: a branch on images, tokens or a
        series costs much more to run, and gained nothing beyond three (docs/adr/0021).
        """
        if self.max_lineage_length == "auto":
            return _TABLE_LINEAGE if schema.is_table else _LINEAGE
        return self.max_lineage_length

    def trains_on_pixels(self, schema: Schema) -> bool:
        """Whether a stem of its own reads images, and no encoder."""
        return schema.has_images and (self.encoder is None or self.encoder.reads != "image")
